// A disk that is full for the current month of the audit log and for nothing else: a tablespace on a separately mounted
// file system where mounting is allowed, and a limit on the size of files (RLIMIT_FSIZE) where `prlimit` may set one.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const run = (argv, as = {}) => spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', ...as });

/** The methods that work here; each prepares the month, fills it to the last row, and restores it. */
export async function fullDiskMethods(sql) {
  const [{ folder }] = await sql("select current_setting('data_directory') as folder");
  const mount = `${folder}-small`;
  fs.mkdirSync(mount, { recursive: true });
  const { uid, gid } = fs.statSync(folder);
  const mounted =
    run(['mount', '-t', 'tmpfs', '-o', `size=8m,mode=0700,uid=${uid},gid=${gid}`, 'small', mount]).status === 0;
  if (mounted) run(['umount', mount]);
  return [
    ...(mounted ? [onSmallDisk(mount, uid, gid)] : []),
    ...(run(['prlimit', '--version'], { uid, gid }).status === 0 ? [underLimit(folder, { uid, gid })] : []),
  ];
}

function onSmallDisk(mount, uid, gid) {
  return {
    name: 'a file system of 8 MB',
    code: ['53100'],
    async fills(admin, month) {
      run(['mount', '-t', 'tmpfs', '-o', `size=8m,mode=0700,uid=${uid},gid=${gid}`, 'small', mount]);
      await admin.query(`create tablespace small location '${mount}'`);
      await admin.query(`alter table ${month} set tablespace small`);
      const file = fs.openSync(path.join(mount, 'filler'), 'w');
      try {
        for (let written = 0; written < 1024; written += 1) fs.writeSync(file, Buffer.alloc(8192));
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      } finally {
        fs.closeSync(file);
      }
      await toTheLastRow(admin);
    },
    async frees(admin, month) {
      fs.rmSync(path.join(mount, 'filler'), { force: true });
      await admin.query(`alter table ${month} set tablespace pg_default`);
      await admin.query('drop tablespace small');
      // The files of a moved relation are removed by a checkpoint.
      await admin.query('checkpoint');
      run(['umount', mount]);
    },
  };
}

function underLimit(folder, as) {
  // The server's own user may limit its processes without any capability.
  const limit = async (admin, size) => {
    const { rows } = await admin.query(
      "select pid from pg_stat_activity where usename = 'authenticator' or pid = pg_backend_pid()",
    );
    // Children that the first process starts later inherit its limit.
    const first = fs.readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n')[0];
    for (const pid of [first, ...rows.map((row) => row.pid)]) {
      const done = run(['prlimit', '--pid', String(pid), `--fsize=${size}:`], as);
      if (done.status !== 0) throw new Error(`prlimit: ${done.stderr}`);
    }
  };
  return {
    name: 'a limit on the size of files',
    // The server has no code of its own for "File too large".
    code: ['XX000', '58030', '53100'],
    async fills(admin, month) {
      // The server's log is written under the same limit, so the month is made larger than a log file.
      await admin.query(insertReads(11000, 'repeat(md5(n::text), 50)'));
      const {
        rows: [{ file }],
      } = await admin.query('select pg_relation_filepath($1) as file', [month]);
      await admin.query('checkpoint');
      await limit(admin, fs.statSync(path.join(folder, file)).size);
      await toTheLastRow(admin);
    },
    frees: (admin) => limit(admin, 'unlimited'),
  };
}

/** A read record is shorter than the row of any change. */
const insertReads = (
  count,
  filter = 'null',
) => `insert into hub.team_activities (actor_id, actor_kind, actor_role, database_role, action, entity, entity_id, salt, values_hash, filter)
  select 'system:test', 'system', 'system', 'none', 'list', 'leads', '', '\\x00', '\\x00', ${filter} from generate_series(1, ${count}) n`;

/** Writes until no page has space for one more row; a full disk has space for a few in existing pages. */
async function toTheLastRow(admin) {
  for (const count of [1000, 100, 10, 1]) {
    let room = true;
    for (let n = 0; n < 100 && room; n += 1)
      room = await admin.query(insertReads(count)).then(
        () => true,
        () => false,
      );
    if (room) throw new Error('the disk is not full');
  }
}
