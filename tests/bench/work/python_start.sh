# python3 start-up with imports that many programs have
run() {
	for i in $(seq "$(scale 5 2)"); do
		/usr/bin/python3 -B -c 'import json, re, subprocess, argparse, asyncio, email, http.client, decimal'
	done
}
