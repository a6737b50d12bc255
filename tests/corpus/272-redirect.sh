#!/bin/bash
# timeout: 60
exec 3>f; echo a >&3; exec 3>&-; cat f; (echo out; echo err >&2) 2>&1 | sort; ls none 2>/dev/null || echo failed; echo x >| f; cat < f; : > f; wc -c < f; { echo 1; echo 2; } > g; cat g; echo 3 >> g; tail -1 g
