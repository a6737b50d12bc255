#!/usr/bin/perl
# needs: perl
use strict; use warnings; use POSIX; use Socket; use IO::Handle; use Fcntl qw(:flock SEEK_SET); use File::Temp; use Time::HiRes qw(sleep time alarm);
$| = 1; my %h = map { $_ => $_**2 } 1..5; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n";
my $s = "The quick brown fox"; (my $t = $s) =~ s/(\w+)/\u\L$1/g; print "$t\n", scalar reverse($s), "\n"; print "m: $1\n" if $s =~ /(?<=quick )(\w+)/;
open(my $f, '>', 'f') or die; print $f "line $_\n" for 1..1000; close $f; open($f, '<', 'f'); my @l = <$f>; print scalar(@l), " $l[499]"; seek($f, 0, SEEK_SET); $. = 0; while (<$f>) { last if $. == 3 } print; close $f;
for my $i (1..5) { my $pid = fork // die; if (!$pid) { exit $i } waitpid($pid, 0); print $? >> 8, " " } print "\n";
print `echo backtick`; system("sh", "-c", "exit 4"); print $? >> 8, "\n"; open(my $p, '-|', 'seq 3') or die; print "p $_" while <$p>; close $p; open($p, '|-', 'cat'); print $p "to cat\n"; close $p;
pipe(my $r, my $w); if (!fork) { close $r; print $w "child says\n"; exit } close $w; print <$r>; wait; 
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC); syswrite($a, "sock"); sysread($b, my $buf, 10); print "$buf\n";
local $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 0.1; select(undef, undef, undef, 5); }; print $@; 
open($f, '+<', 'f'); flock($f, LOCK_EX) or die; if (!fork) { open(my $g, '+<', 'f'); print flock($g, LOCK_EX | LOCK_NB) ? "got" : "busy", "\n"; exit } wait; 
mkdir 'd'; symlink 'f', 'ln'; print readlink('ln'), " ", -s 'f', " ", (-l 'ln' ? 1 : 0), " ", (-d 'd' ? 1 : 0), "\n"; rename 'f', 'g'; unlink 'ln'; rmdir 'd'; print join(",", sort glob('*')), "\n"; utime 1e9, 1e9, 'g'; print((stat 'g')[9], "\n"); chmod 0600, 'g'; printf "%o\n", (stat _)[2] & 0777; printf "%o\n", (stat 'g')[2] & 0777;
print strftime("%Y-%m-%d", gmtime(86400)), " ", floor(-1.5), " ", INT_MAX, "\n"; die "dead\n" if @ARGV; exit 7;
