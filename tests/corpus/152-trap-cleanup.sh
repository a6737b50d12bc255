#!/bin/bash
cat > w.sh <<'E'
#!/bin/bash
d=$(mktemp -d ./tmpXXXX); trap 'rm -rf $d; echo cleaned' EXIT; trap 'echo term; exit 3' TERM INT; touch $d/x ready
while :; do sleep 0.05; done
E
chmod +x w.sh; for s in TERM INT; do rm -f ready; setsid ./w.sh & p=$!; while [ ! -e ready ]; do sleep 0.05; done; [ $s = INT ] && s=TERM; kill -$s $p; wait $p; echo $?; ls -d tmp* 2>/dev/null; done
( trap 'echo parent' USR1; ( kill -USR1 $$ ) ; sleep 0.1 ) ; trap 'echo got usr1' USR1; ( kill -USR1 $$ ); sleep 0.1
bash -c 'trap "echo x" EXIT; exec true'; bash -c 'trap "echo on exit" EXIT; kill -KILL $$'; echo $?; bash -c 'trap "" INT; bash -c "kill -INT \$\$; echo ignored"'; (set -e; trap 'echo E' ERR; false; echo no); echo $?; trap 'echo RETURN' RETURN; f() { :; }; set -T; f; set +T; trap - RETURN; bash -c 'sleep 0.3 & trap "echo usr; " USR1; (sleep 0.1; kill -USR1 $$) & wait %1; echo w $?; wait'
