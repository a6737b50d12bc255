#!/bin/bash
# timeout: 60
git init -q r; cd r; git config user.name a; git config user.email a@b; for i in 1 2 3; do echo $i > f$i; git add .; git commit -qm c$i --date=@170000000$i; done; git branch x HEAD~1; git log --format=%s; git diff --stat HEAD~2 | tail -1; git checkout -q x; ls; git merge -q - ; ls; git stash list; git fsck 2>&1 | tail -1; git status --short | wc -l
