#!/bin/bash
# timeout: 60
command -v jq >/dev/null || exit; echo '{"a":[1,2,{"b":null}]}' | jq -c '.a[2], (.a|length)'; python3 -c 'import json;print(json.dumps({"x":[1.5,True,None]},sort_keys=True))'
