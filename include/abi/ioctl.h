/* ioctl(2) requests of plain files; those of terminals and sockets are with their subsystems. */
#ifndef ABI_IOCTL_H
#define ABI_IOCTL_H

#ifndef UMBER_HOSTED
#define FIONREAD 0x541b
#define FIONBIO 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX 0x5451
#define FIOASYNC 0x5452
#define FIOQSIZE 0x5460
#endif
#endif
