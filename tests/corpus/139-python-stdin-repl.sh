#!/bin/sh
# needs: python3
echo 'print(1+1); import sys; sys.exit(3)' | python3; echo $?; python3 -c 'import this' | head -3; echo a | python3 -c 'print(input()*3)'; python3 -c 'raise ValueError' 2>&1 | tail -1; python3 -X importtime -c 0 2>&1 | wc -l | awk '{print $1>5}'; python3 -m json.tool <<E
{"a":[1,2]}
E
mkdir pk; echo 'print("main", __name__)' > pk/__main__.py; python3 pk; python3 -m pk; python3 -m compileall -q pk; ls pk; (cd pk; python3 -m zipfile -c ../z.zip __main__.py); python3 z.zip; python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'; python3 -m timeit -n 10 -r 1 pass >/dev/null; echo $?; python3 -c 'import os; os.kill(os.getpid(), 15)'; echo $?; python3 -c 'print("x"*1000000)' | head -c 10; echo; python3 -c 'import sys; [print(i) for i in range(100000)]' | tail -1; python3 -u -c 'print("unbuf")'; python3 -m unittest -h | head -1; printf 'import unittest\nclass T(unittest.TestCase):\n def test(self): self.assertEqual(1,1)\nunittest.main()' | python3 - 2>&1 | tail -1
