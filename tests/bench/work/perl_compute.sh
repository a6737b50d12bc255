# perl computing: strings, hashes, regular expressions
run() {
	perl -e 'my ($n, $s, %h) = (shift, 0);
		for my $i (1 .. $n) { $s = ($s * 31 + $i) % 1000003; $h{$s % 4096} .= "x" if "$s" =~ /7$/; }
		print $s, "\n"' "$(scale 2000000 300000)" >/dev/null
}
