# git status of 4,000 files in 200 directories; only modification time and size are compared,
# since inode numbers differ from system to system
run() {
	for i in $(seq "$(scale 5 1)"); do
		GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_NOSYSTEM=1 git -c safe.directory='*' -c core.checkStat=minimal \
			-c core.trustctime=false -c core.fsmonitor=false -C "$S/git" status --porcelain >"$W/status"
	done
	test ! -s "$W/status"
}
clean() { rm -f "$W/status"; }
