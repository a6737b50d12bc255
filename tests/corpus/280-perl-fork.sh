#!/bin/bash
# timeout: 60
perl -e '$|=1; my @p; for my $i (1..5) { my $p=fork; if(!$p){ exit $i } push @p,$p } my $s=0; for (@p){ waitpid $_,0; $s+=$?>>8 } print "$s\n"; open my $f,"-|","echo piped"; print <$f>; print `echo back`; print join(",",sort{$a<=>$b}map{$_*$_}1..5),"\n";'
