#!/usr/bin/env python3
"""Makes prototypes, dispatch table, and the document from kernel/syscall/syscalls.tbl.

usage: syscalls.py TABLE protos|dispatch > file
       syscalls.py TABLE doc NM_OUTPUT > docs/SYSCALLS.md
"""
import re
import sys

CTYPE = {"i": "int", "u": "u32", "l": "s64", "z": "u64", "p": "uaddr_t", "s": "uaddr_t",
         "r": "uaddr_t", "w": "uaddr_t"}


def rows(path):
    for line in open(path):
        line = line.split("#")[0].split()
        if not line:
            continue
        args = []
        for word in line[2:]:
            kind, name = word.split(":")
            args.append((kind, name))
        yield int(line[0]), line[1], args


def ctype(kind):
    return CTYPE[kind[0]]


def protos(table):
    print("/* Generated from syscalls.tbl. */\n#ifndef GEN_SYSCALL_PROTOS_H\n#define GEN_SYSCALL_PROTOS_H")
    print("#include <umber/types.h>")
    for nr, name, args in table:
        params = ", ".join(f"{ctype(k)} {n}" for k, n in args) or "void"
        print(f"#define __NR_{name} {nr}")
        print(f"long sys_{name}({params});")
    print("#endif")


def dispatch(table):
    print('/* Generated from syscalls.tbl. */\n#include <umber/syscall.h>\n#include <port/port.h>')
    print('#include "dispatch.h"\n')
    for nr, name, args in table:
        print(f"#pragma weak sys_{name}")
    regs = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
    for nr, name, args in table:
        vals = ", ".join(f"({ctype(k)})r->{regs[i]}" for i, (k, n) in enumerate(args))
        unused = "" if args else "\t(void)r;\n"
        print(f"static long call_{name}(const struct user_regs *r)\n{{\n{unused}\treturn sys_{name}({vals});\n}}")
    print("const struct syscall_row syscall_rows[NR_SYSCALLS] = {")
    for nr, name, args in table:
        print(f'\t[{nr}] = {{ "{name}", call_{name}, {len(args)}, (const void *)sys_{name} }},')
    print("};")


def doc(table, nm):
    have = set(re.findall(r" [TtW] sys_(\w+)", open(nm).read()))
    print("# System calls\n\nGenerated from `kernel/syscall/syscalls.tbl` and the linked kernel. "
          "What is not there answers ENOSYS and logs one line.\n")
    print("| nr | call | arguments | there |\n| --- | --- | --- | --- |")
    n = 0
    for nr, name, args in table:
        yes = name in have
        n += yes
        print(f"| {nr} | {name} | {', '.join(a for _, a in args)} | {'yes' if yes else 'ENOSYS'} |")
    print(f"\n{n} of {len(table)} calls are there.")


def main():
    table = list(rows(sys.argv[1]))
    what = sys.argv[2]
    if what == "protos":
        protos(table)
    elif what == "dispatch":
        dispatch(table)
    elif what == "doc":
        doc(table, sys.argv[3])
    else:
        sys.exit(__doc__)


main()
