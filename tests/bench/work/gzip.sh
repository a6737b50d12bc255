# gzip of 16 MiB of text, and back
run() {
	head -c "$(scale 16777216 2000000)" "$S/text" | gzip -6 >"$W/text.gz"
	gzip -dc "$W/text.gz" >/dev/null
}
clean() { rm -f "$W/text.gz"; }
