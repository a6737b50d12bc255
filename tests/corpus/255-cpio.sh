#!/bin/bash
# timeout: 60
command -v cpio >/dev/null || { echo none; exit; }; mkdir d; echo 1 > d/a; find d | sort | cpio -o -H newc 2>/dev/null > c; mkdir x; cd x; cpio -id < ../c 2>/dev/null; find . | sort
