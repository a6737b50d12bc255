/* The timer heap against a plain array: random starts, cancels and runs must fire the same timers, in order. */
#include "../../kernel/time/timer.c"
#include <stdio.h>
#include <stdlib.h>

#define N 500
static u64 now_ns, last_fired;
static struct ktimer timers[N];
static bool model_armed[N];
static int bad, rearm_budget;

u64 ktime_mono_ns(void)
{
	return now_ns;
}

static void fire(struct ktimer *t)
{
	int i = (int)(t - timers);

	if (!model_armed[i] || t->expires_ns > now_ns || t->expires_ns < last_fired || ktimer_armed(t))
		bad++;
	last_fired = t->expires_ns;
	model_armed[i] = false;
	if (rearm_budget-- > 0 && rand() % 3 == 0) {
		ktimer_start(t, now_ns + 1 + (u64)(rand() % 50));
		model_armed[i] = true;
	}
}

static u64 model_next(void)
{
	u64 m = WAIT_FOREVER;

	for (int i = 0; i < N; i++)
		if (model_armed[i] && timers[i].expires_ns < m)
			m = timers[i].expires_ns;
	return m;
}

int main(void)
{
	int wrong_next = 0, left = 0, wrong_cancel = 0;

	printf("1..4\n");
	for (int i = 0; i < N; i++)
		ktimer_init(&timers[i], fire);
	for (int step = 0; step < 200000; step++) {
		int i = rand() % N;

		switch (rand() % 4) {
		case 0:
		case 1:
			ktimer_start(&timers[i], now_ns + 1 + (u64)(rand() % 1000));
			model_armed[i] = true;
			break;
		case 2:
			wrong_cancel += ktimer_cancel(&timers[i]) != model_armed[i];
			model_armed[i] = false;
			break;
		case 3:
			now_ns += (u64)(rand() % 20);
			last_fired = 0;
			rearm_budget = 5;
			ktimer_run_due();
			break;
		}
		if (step % 16 == 0)
			wrong_next += ktimer_next_ns() != model_next();
	}
	now_ns += 2000;
	last_fired = 0;
	rearm_budget = 0;
	ktimer_run_due();
	for (int i = 0; i < N; i++)
		left += model_armed[i];
	printf("%sok 1 - fires what is due, in order\n", bad ? "not " : "");
	printf("%sok 2 - cancel says whether it was armed\n", wrong_cancel ? "not " : "");
	printf("%sok 3 - next deadline\n", wrong_next ? "not " : "");
	printf("%sok 4 - nothing is left\n", left || ktimer_next_ns() != WAIT_FOREVER ? "not " : "");
	return bad || wrong_cancel || wrong_next || left;
}
