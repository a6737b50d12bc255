#!/bin/bash
mkdir d; for i in {1..2000}; do : > d/file$i; done; ls d | wc -l; ls d | sort -V | tail -1
find d -name '*5' | wc -l; find d -type f -newer d/file1 | wc -l >/dev/null; rm d/*7; ls d | wc -l
for i in {1..300}; do mv d/file$((i*10)) d/moved$i 2>/dev/null; done; ls d | grep -c moved
mkdir -p $(for i in {1..50}; do echo x/$i/{a,b,c}; done); find x -type d | wc -l; rm -rf x d; ls
deep=.; for i in {1..60}; do deep=$deep/dddd; done; mkdir -p $deep; find . | wc -l; echo x > $deep/f; cat $deep/f; find . -name f -delete; rm -r dddd; ls
