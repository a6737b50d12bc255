#!/bin/sh
# needs: tclsh
cat > t.tcl <<'E'
proc fib n {expr {$n<2?$n:[fib [expr $n-1]]+[fib [expr $n-2]]}}; puts [fib 15]; set f [open f w]; puts $f hello; close $f; puts [exec cat f]; puts [lsort {c a b}]; puts [catch {exec false} e]; after 20 {puts timer; set done 1}; vwait done; set p [open "|sh -c {echo pipe; exit 0}"]; puts [gets $p]; close $p; puts [string map {a b} aaa] ; dict set d k v; puts $d; puts [regexp {(\d+)} abc123 m]; puts $m; file mkdir d; puts [file isdirectory d]; puts [glob *]; puts [clock format 0 -gmt 1]; exit 5
E
tclsh t.tcl; echo $?; echo 'puts [expr 1+1]' | tclsh
