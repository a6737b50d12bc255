#!/bin/bash
mkdir d; cd d; for i in {01..30}; do head -c $((10#$i*37)) /dev/zero > f$i; done; mkdir s; ln -s f01 l; touch -h -d @0 *
rmdir s; ls -l --time-style=+%s | tail -n +2 | awk '{print $1,$2,$3,$4,$5,$7}' | grep -v '^d'
ls -S f* | head -3; ls -r | head -3; ls -C -w 60; ls -m -w 50; ls -x -w 40; ls --color=always -1 | head -2; ls -Q1 | tail -2; ls -s1 --block-size=1 f30 | wc -l
ls -R .. ; ls -lh f30 | cut -d' ' -f5; ls --sort=extension | tail -1; ls -i f01 | wc -w; dir; vdir | wc -l
