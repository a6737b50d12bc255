#!/bin/bash
# needs: sqlite3
sqlite3 t.db <<E
create table t(id integer primary key, n text, v real); create index i on t(n);
with recursive c(x) as (select 1 union all select x+1 from c where x<5000) insert into t select x, 'name'||(x%100), x*1.5 from c;
select count(*), sum(v) from t; select n, count(*) from t group by n order by n limit 3; begin; delete from t where id%2; rollback; select count(*) from t; begin; delete from t where id%2; commit; select count(*) from t; pragma integrity_check; explain query plan select * from t where n='name2'; vacuum; select max(length(hex(randomblob(10)))); .schema
E
sqlite3 t.db 'pragma journal_mode=wal; insert into t(n) values("w"); select changes();'; ls; for i in {1..6}; do (for j in {1..10}; do sqlite3 -cmd '.timeout 20000' t.db "insert into t(n,v) values('p$i',$j);"; done) & done; wait; sqlite3 t.db 'select n,count(*),sum(v) from t where n like "p%" group by n;'; sqlite3 -csv -header t.db 'select * from t limit 2'; sqlite3 t.db .dump | wc -l; sqlite3 t.db 'selec' 2>&1; echo $?; sqlite3 :memory: 'select json_extract(json(1),"$"), date(0,"unixepoch"), printf("%05d",7)'
