#!/usr/bin/env python3
"""Makes prototypes, dispatch table, and the document from kernel/syscall/syscalls.tbl.

usage: syscalls.py TABLE protos|dispatch|marshal > file
       syscalls.py TABLE doc NM_OUTPUT > docs/SYSCALLS.md
"""
import re
import sys

CTYPE = {"i": "int", "u": "u32", "l": "s64", "z": "u64", "p": "uaddr_t", "s": "uaddr_t",
         "r": "uaddr_t", "w": "uaddr_t", "b": "uaddr_t", "o": "uaddr_t", "v": "uaddr_t", "y": "uaddr_t",
         "h": "uaddr_t", "g": "uaddr_t"}


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
        late = str(any(k[0] in "wbo" for k, n in args)).lower()
        print(f'\t[{nr}] = {{ "{name}", call_{name}, {len(args)}, {late}, (const void *)sys_{name} }},')
    print("};")


def windows(args):
    """What the stub copies of a call's arguments: words of stub_abi.h's MARSH()."""
    out = []
    for i, (kind, name) in enumerate(args):
        size = re.match(r"[rbvy]\((?:a(\d)(?:\*(\d+))?|(\d+))\)", kind)
        if kind == "s":
            out.append(f"MARSH_STRING({i})")
        elif kind in ("h", "g"):
            out.append(f"MARSH_MSG({i}, {int(kind == 'h')})")
        elif kind[0] in "vy":
            out.append(f"MARSH_IOV({i}, {size[1]}, {int(kind[0] == 'v')})")
        elif kind[0] in "rb" and size[3]:
            out.append(f"MARSH_FIXED({i}, {size[3]})")
        elif kind[0] in "rb":
            out.append(f"MARSH_SIZED({i}, {size[1]}, {size[2] or 1})")
    return tuple(out)


def marshal(table):
    table = [(nr, windows(args)) for nr, name, args in table]
    kinds = sorted({w for nr, w in table if w})
    last = max(nr for nr, w in table if w)
    print("/* Generated from syscalls.tbl: which of a call's arguments the stub copies. */")
    print(f"static const u16 marsh_kinds[][MARSH_ARGS] = {{\n\t{{ 0 }},")
    for k in kinds:
        print("\t{ " + ", ".join(k) + " },")
    print(f"}};\nstatic const u8 marsh_of[{last + 1}] = {{")
    for nr, w in table:
        if w:
            print(f"\t[{nr}] = {kinds.index(w) + 1},")
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
    elif what == "marshal":
        marshal(table)
    elif what == "doc":
        doc(table, sys.argv[3])
    else:
        sys.exit(__doc__)


main()
