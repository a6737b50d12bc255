#!/bin/bash
# timeout: 60
getent passwd root; getent group root; getent passwd 65534 | cut -d: -f1; getent passwd nobody-such; echo $?
