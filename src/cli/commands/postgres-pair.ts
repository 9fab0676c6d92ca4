import { AppError } from "../../base/error.ts"

/** What `init --postgres-pair NAME` prints: SQL that makes a pair and its admin, and the config that uses them. No value is in it. */

export type PairText = { readonly sql: string; readonly config: string; readonly setPassword: string }

export function postgresPair(name: string): PairText {
  // Plain lower case needs no quotes, and leaves room for _rotator: a name in PostgreSQL has 63 bytes.
  if (!/^[a-z_][a-z0-9_]{0,54}$/.test(name) || name.startsWith("pg_")) {
    throw new AppError("usage", "--postgres-pair takes a short name: lower-case letters, digits and _, beginning with a letter, and not with pg_", { hint: "mycelium init --postgres-pair app" })
  }
  return { sql: sqlFor(name), config: configFor(name), setPassword: passwordFor(name) }
}

/** One script for psql, or for any client: what is no SQL is a comment. */
export function scriptOf({ sql, config, setPassword }: PairText): string {
  return [sql, comment(`The admin's password: made here, set by psql, shown nowhere. psql sends a SCRAM verifier, never the password; without a terminal (setsid) it reads it from the file, twice.\n\n${setPassword}`), comment(`In mycelium.yaml, under secrets:\n\n${config}`)].join("\n\n")
}

function comment(text: string): string {
  return text.replace(/^/gm, "-- ").replace(/ +$/gm, "")
}

function sqlFor(name: string): string {
  const [owner, blue, green, rotator] = [`${name}_owner`, `${name}_blue`, `${name}_green`, `${name}_rotator`]
  return `-- A pair for mycelium: ${blue} and ${green} take turns, so no login ever fails; ${owner} owns all they make.
-- Run it as a superuser, or as the admin of a hosted server, in the database of the application:
--   mycelium init --postgres-pair ${name} | psql -v ON_ERROR_STOP=1 -d DATABASE
-- All of it is done, or nothing.
BEGIN;

CREATE ROLE ${owner} NOLOGIN;
CREATE ROLE ${blue} LOGIN INHERIT;
CREATE ROLE ${green} LOGIN INHERIT;
-- No passwords: mycelium makes them. Without one a role refuses every login.

-- Whichever logs in is ${owner} from then on: what it makes belongs to ${owner}.
GRANT ${owner} TO ${blue}, ${green};
ALTER ROLE ${blue} SET role = ${owner};
ALTER ROLE ${green} SET role = ${owner};

-- The admin: changes the two passwords, and sees since when sessions are open.
CREATE ROLE ${rotator} LOGIN CREATEROLE;
GRANT pg_read_all_stats TO ${rotator};
-- For end_sessions: true, and for rotate-now --contain; it may end everybody's sessions save a superuser's:
-- GRANT pg_signal_backend TO ${rotator};
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    -- Since 16 CREATEROLE reaches only the roles that it is given, and here it gets none of their own rights.
    EXECUTE 'GRANT ${blue}, ${green} TO ${rotator} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE';
  ELSE
    RAISE WARNING 'before PostgreSQL 16, CREATEROLE lets ${rotator} change every role that is no superuser, and give itself almost any right: guard its password like a superuser''s, or upgrade';
  END IF;
END $$;

-- What the application needs is granted to ${owner}, never to ${blue} or ${green}:
-- GRANT CREATE ON SCHEMA public TO ${owner};
-- What a role of before owns, in each of its databases: REASSIGN OWNED BY old_role TO ${owner};
COMMIT;`
}

function configFor(name: string): string {
  return `postgres:
  address: postgresql://127.0.0.1:5432/DATABASE
  roles: [${name}_blue, ${name}_green]
  owner: ${name}_owner
  admin: { user: ${name}_rotator, password: { file: /etc/mycelium/${name}_rotator.password } }
  grace: 10m`
}

function passwordFor(name: string): string {
  const file = `/etc/mycelium/${name}_rotator.password`
  return `(umask 077; openssl rand -hex 24 > ${file})
cat ${file} ${file} | setsid -w psql -d DATABASE -c '\\password ${name}_rotator'`
}
