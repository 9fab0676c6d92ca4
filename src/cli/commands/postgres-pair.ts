import { AppError } from "../../base/error.ts"

/**
 * What `init --postgres-pair NAME` prints: SQL that makes a pair and its admin, and the config that
 * uses them. No value is in it.
 */

export type PairText = {
  readonly sql: string
  readonly config: string
  readonly setPassword: string
}

/**
 * `from`: a role that programs log in as now, and that owns what they have: it becomes the owner,
 * and nothing changes hands.
 */
export function postgresPair(name: string, from?: string): PairText {
  // Plain lower case needs no quotes, and leaves room for _rotator: a name in PostgreSQL has 63
  // bytes.
  if (!/^[a-z_][a-z0-9_]{0,54}$/.test(name) || name.startsWith("pg_")) {
    throw new AppError(
      "usage",
      "--postgres-pair takes a short name: lower-case letters, digits and _, beginning with a " +
        "letter, and not with pg_",
      { hint: "mycelium init --postgres-pair app" },
    )
  }
  if (from !== undefined && (!/^[A-Za-z_][\w$]{0,62}$/.test(from) || from.startsWith("pg_")))
    throw new AppError(
      "usage",
      "--from takes the name of the role that programs log in as now: " +
        "letters, digits and _, beginning with a letter",
    )
  const sql = from === undefined ? sqlFor(name) : sqlFrom(name, from)
  return { sql, config: configFor(name, from), setPassword: passwordFor(name) }
}

/** One script for psql, or for any client: what is no SQL is a comment. */
export function scriptOf({ sql, config, setPassword }: PairText): string {
  return [
    sql,
    comment(
      "The admin's password: made here, set by psql, shown nowhere. " +
        "psql sends a SCRAM verifier, never the password; without a terminal (setsid) it reads " +
        "it from the file, twice. The file must belong to the user that mycelium runs as: " +
        `chown it.\n\n${setPassword}`,
    ),
    comment(`In mycelium.yaml, under secrets:\n\n${config}`),
  ].join("\n\n")
}

function comment(text: string): string {
  return text.replace(/^/gm, "-- ").replace(/ +$/gm, "")
}

function sqlFor(name: string): string {
  const owner = `${name}_owner`
  return `-- A pair for mycelium: ${name}_blue and ${name}_green take turns, so no login ever fails; ${owner} owns all they make.
-- Run it as a superuser, or as the admin of a hosted server, in the database of the application:
--   mycelium init --postgres-pair ${name} | psql -v ON_ERROR_STOP=1 -d DATABASE
-- For an application that has a role with tables already: mycelium init --postgres-pair ${name} --from ROLE.
-- All of it is done, or nothing.
BEGIN;

CREATE ROLE ${owner} NOLOGIN;
${rolesFor(name, owner)}
${adminFor(name, "")}

-- What the application needs is granted to ${owner}, never to ${name}_blue or ${name}_green:
-- GRANT CREATE ON SCHEMA public TO ${owner};
COMMIT;`
}

function rolesFor(name: string, owner: string): string {
  const [blue, green] = [`${name}_blue`, `${name}_green`]
  return `CREATE ROLE ${blue} LOGIN INHERIT;
CREATE ROLE ${green} LOGIN INHERIT;
-- No passwords: mycelium makes them. Without one a role refuses every login.

-- Whichever logs in is ${owner} from then on: what it makes belongs to ${owner}.
GRANT ${owner} TO ${blue}, ${green};
ALTER ROLE ${blue} SET role = ${owner};
ALTER ROLE ${green} SET role = ${owner};`
}

/** `more`: ", role": whose password it takes away, too. */
function adminFor(name: string, more: string): string {
  const [blue, green, rotator] = [`${name}_blue`, `${name}_green`, `${name}_rotator`]
  return `
-- The admin: changes the two passwords, and sees since when sessions are open.
CREATE ROLE ${rotator} LOGIN CREATEROLE;
GRANT pg_read_all_stats TO ${rotator};
-- For end_sessions: true, and for rotate-now --contain; it may end all sessions except a superuser's:
-- GRANT pg_signal_backend TO ${rotator};
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    -- Since 16 CREATEROLE reaches only the roles that it is given, and here it gets none of their own rights.
    EXECUTE 'GRANT ${blue}, ${green}${more} TO ${rotator} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE';
  ELSE
    RAISE WARNING 'before PostgreSQL 16, CREATEROLE lets ${rotator} change every role that is no superuser, and give itself almost any right: guard its password like a superuser''s, or upgrade';
  END IF;
END $$;`
}

function sqlFrom(name: string, from: string): string {
  const role = `"${from}"`
  return `-- From the role ${from} to a pair: ${name}_blue and ${name}_green take turns from now on; ${from} keeps all that it owns, and
-- what the two make is its own, too. Nothing is taken away: programs go on logging in as ${from} until mycelium has moved them.
--   1. If mycelium does not rotate ${from} yet: name it as one role (role: ${from}) in mycelium.yaml, then mycelium adopt ENV. A pair
--      cannot adopt its password.
--   2. Run this as a superuser, or as the admin of a hosted server, in the database of the application:
--        mycelium init --postgres-pair ${name} --from ${from} | psql -v ON_ERROR_STOP=1 -d DATABASE
--      If pg_hba.conf names ${from}, let ${name}_blue, ${name}_green and ${name}_rotator in there as well.
--   3. Set the admin's password by the commands at the end.
--   4. In mycelium.yaml, put the lines at the end in place of the secret with role: ${from}, under its own name. Show the user
--      where only the password was shown, POSTGRES_USER: "{{ postgres.user }}", and let programs take their user name from there.
--      If a pooler's userlist.txt is an output, show both users in it (mycelium help drivers), and write its line of today into it twice.
--   5. mycelium rotate-now ENV --dry-run, then mycelium rotate-now ENV: programs get ${name}_blue, and the password of ${from} is taken
--      away after the grace, once no session has begun with it since. rotate-now waits for that; mycelium status shows it.
--   6. Once it is revoked, as in step 2: ALTER ROLE ${role} NOLOGIN PASSWORD NULL; until then the next rotation does not begin.
-- All of it is done, or nothing.
BEGIN;

DO $$
BEGIN
  IF (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = '${from}') THEN
    RAISE EXCEPTION 'role ${from} is a superuser, or may replicate: a pair of it would be as powerful. Make a role that owns what the application needs first';
  END IF;
END $$;
${rolesFor(name, role)}
${adminFor(name, `, ${role}`)}

${settingsFor(name, from)}
COMMIT;`
}

function settingsFor(name: string, from: string): string {
  return `-- Settings of ${from} hold at its own login only, so the two get them as well.
DO $$
DECLARE
  one record;
  pair text;
BEGIN
  FOREACH pair IN ARRAY ARRAY['${name}_blue', '${name}_green'] LOOP
    EXECUTE format('ALTER ROLE %I CONNECTION LIMIT %s', pair, (SELECT rolconnlimit FROM pg_roles WHERE rolname = '${from}'));
    FOR one IN
      SELECT d.datname, split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
      FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) setting
      WHERE r.rolname = '${from}' AND split_part(setting, '=', 1) <> 'role'
    LOOP
      PERFORM set_config(one.name, one.value, true);
      EXECUTE format('ALTER ROLE %I %s SET %I FROM CURRENT', pair, CASE WHEN one.datname IS NULL THEN '' ELSE format('IN DATABASE %I', one.datname) END, one.name);
    END LOOP;
  END LOOP;
END $$;`
}

function configFor(name: string, from = `${name}_owner`): string {
  return `postgres:
  address: postgresql://127.0.0.1:5432/DATABASE
  roles: [${name}_blue, ${name}_green]
  owner: ${from}
  admin: { user: ${name}_rotator, password: { file: /etc/mycelium/${name}_rotator.password } }
  grace: 10m`
}

function passwordFor(name: string): string {
  const file = `/etc/mycelium/${name}_rotator.password`
  return `mkdir -p /etc/mycelium
(umask 077; openssl rand -hex 24 > ${file})
cat ${file} ${file} | setsid -w psql -d DATABASE -c '\\password ${name}_rotator'`
}
