#!/bin/bash
# timeout: 60
command -v sqlite3 >/dev/null || exit; sqlite3 d.db 'create table t(a int, b text); insert into t values(1,"x"),(2,"y");'; sqlite3 d.db 'pragma journal_mode=wal; insert into t select a+2, b from t; select count(*), sum(a) from t;'; sqlite3 d.db 'pragma integrity_check'; sqlite3 -json d.db 'select * from t limit 2'
