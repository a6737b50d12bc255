# find over some ten thousands of names of the root file system, with a stat of each
run() { find /usr/include /usr/share/doc /usr/lib/python3 -newer /etc/passwd -size +1000k >/dev/null; }
