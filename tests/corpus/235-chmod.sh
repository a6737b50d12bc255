#!/bin/bash
# timeout: 60
touch f; for m in 644 u+x g-r o=w a+rwx u-s,g+s +t 4755; do chmod $m f; stat -c '%a %A' f; done
