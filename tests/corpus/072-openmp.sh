#!/bin/sh
# needs: gcc
echo 'int main(){return 0;}' | gcc -fopenmp -xc - -o x || exit 0
cat > o.c <<'E'
#include <omp.h>
#include <stdio.h>
int main(void) {
	long s = 0; double pi = 0; static int a[1000];
	#pragma omp parallel for reduction(+:s) num_threads(4)
	for (int i = 0; i < 1000000; i++) s += i;
	#pragma omp parallel for reduction(+:pi) schedule(dynamic,100) num_threads(3)
	for (int i = 0; i < 1000; i++) pi += 4.0 * (i % 2 ? -1 : 1) / (2 * i + 1);
	printf("%ld %.2f\n", s, pi); int n = 0, c = 0;
	#pragma omp parallel num_threads(6)
	{
		#pragma omp critical
		n++;
		#pragma omp barrier
		#pragma omp single
		for (int i = 0; i < 50; i++) {
			#pragma omp task firstprivate(i)
			{ a[i] = i * i;
			#pragma omp atomic
			c++; }
		}
	}
	printf("%d %d %d\n", n, c, a[49]); for (int r = 0; r < 200; r++) {
	#pragma omp parallel num_threads(4)
	{
		#pragma omp atomic
		c++;
	} }
	printf("%d\n", c); return 0;
}
E
gcc -O2 -fopenmp o.c -o o && ./o && OMP_NUM_THREADS=2 ./o && OMP_WAIT_POLICY=passive ./o
