# a shell that starts 200 small programs one after the other
run() { i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i + 1)); done; }
