#!/bin/bash
# timeout: 60
perl -MSocket -e 'socketpair(A,B,AF_UNIX,SOCK_STREAM,PF_UNSPEC) or die; if(fork){close B; print A "ping\n"; shutdown(A,1); print <A>; wait}else{close A; $_=<B>; s/ping/pong/; print B $_; exit}'; perl -e '$SIG{ALRM}=sub{print "alarm\n"; exit}; alarm 1; sleep 5'
