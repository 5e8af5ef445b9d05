sqlite3 data.db <<'END'
pragma journal_mode=wal;
create table t(id integer primary key, name text unique, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 3000)
  insert into t select i, printf('name-%05d', i), i * 1.5 from c;
begin; delete from t where id % 3 = 0; savepoint s; delete from t; rollback to s; commit;
create index byn on t(n); select count(*), sum(n), max(name) from t; pragma integrity_check;
create virtual table f using fts5(body); insert into f values('the quick brown fox');
select * from f where f match 'quick'; vacuum; pragma wal_checkpoint(truncate);
END
sqlite3 data.db "insert into t values(1, 'again', 0)" 2>&1; ls; stat -c %s data.db
sqlite3 data.db .dump | md5sum
