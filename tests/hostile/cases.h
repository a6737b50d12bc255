/* The cases of the hostile guest program, by file. */
#ifndef CASES_H
#define CASES_H
void case_sweep(int from, int to);                 /* calls.c */
void case_entries(void);
void case_gadget_numbers(void);                    /* jump.c */
void case_gadget_args(void);
void case_jump_all(int set);
void case_region(void);                            /* region.c */
void case_mailbox(void);                           /* evil.c */
void case_leftovers(void);
int leftovers_part(const char *part);              /* status for exit(2) */
int evil_by_name(const char *name);                /* 0: known and run */
void case_bombs(const char *name);                 /* bombs.c */
void case_fs(const char *outside);                 /* fs.c */
#endif
