/* Fibre switch of the port; the interface is include/port/port.h. */
#ifndef ARCH_VCPU_FIBRE_H
#define ARCH_VCPU_FIBRE_H
#include <port/port.h>
#endif
