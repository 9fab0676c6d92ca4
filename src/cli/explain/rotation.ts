/** A rotation: what a service answers, what a restart proves, what becomes of old values. */
export const rotation = {
  "accepts-anything":
    "The service lets a random wrong password in, so no login proves anything and the secret protects nothing. It is not rotated. Make the service ask for passwords from this address: no trust or peer line in pg_hba.conf, no nopass in Redis.",
  "no-answer":
    "The service gave no clear yes or no to a login: it cannot be reached, is starting, or is full. Nothing is decided on that. See that it runs and can be reached from here. mycelium run asks again; without it, repeat the command.",
  "current-refused":
    "The service refuses the current value: a person has changed it there, or the server has lost the change (a failover, a backup that was put back). Programs that start now may be locked out. It is not rotated, and nothing of it is revoked, until a person acts. mycelium reconcile finds out whether an older version works, and makes that the current one. If a person has changed it, put the value that works into the output and run mycelium adopt, or set the current one back at the service. If nobody should have changed it: mycelium rotate-now --contain, which needs an admin.",
  "none-accepted":
    "The service refuses every version in the state that it was asked for: someone set a password that mycelium does not know, the login is off or expired, or the backup that was put back is older than what is kept. If a value works, take it over (mycelium adopt ENV --ask); else set the current one at the service by hand, then mycelium reconcile. Until then the secret is not rotated and nothing of it is revoked.",
  drifted:
    "The service accepts neither the new nor the current value, but another one that is known: someone put an older one back. No further step is taken until a person acts. If that value is right: mycelium reconcile makes it the current one; else set the current one at the service, and run the same command again.",
  stuck:
    "The service accepts no value that mycelium knows: someone has changed the password, or the login is off or expired. No further step is taken until a person acts, and nothing is taken for dead. If you know the password that works: mycelium adopt ENV --ask takes it over and ends the rotation; files and programs follow. Else set the password at the service by hand to the one in the output, then run the same command again; every value ever handed out is sealed in the state.",
  "not-accepted":
    "The service took the new value without complaint, but refuses a login with it. The rotation goes back to the old value. See the server's log: a policy, an expiry, another server behind the same address.",
  "not-settled":
    "An earlier act of mycelium may still be under way at the service (a statement that waits for a lock), and could land later. Nothing is decided before it has ended. See who holds the lock. mycelium run asks again; without it, repeat the command.",
  "waits-for-another":
    "A rotation goes back, and this secret is back already; but a file shows it beside a secret of which nobody knows yet what its service takes, so the file and the programs that read it wait for that one. See what mycelium status says about the other secret.",
  "not-proven-dead":
    "An old value was taken away, but the service still accepts it. Treat it as live. Look for a second way in: another password of the same user, a replica, trust from this address. mycelium run tries again; without it, repeat the command.",
  "no-counter-proof":
    "The service refuses the old value, but the current one too, so the refusal proves nothing: the role may be expired or off. Put the login right. mycelium run asks again; without it, repeat the command.",
  "no-current":
    "An old value is to be revoked, but there is no current one, by which its death could be proven. Make or adopt a value first.",
  "other-namespace":
    "An earlier run was killed while a program of yours (a restart hook, or one of the driver exec) was at work, and it lived in another container, outside this one, or on another machine. Its program may still run and could land later, and this run cannot see it. So nothing is asked, decided or started there. On the host, as root, use the grep command that the message gives: it names each program that still runs. Wait until there is none, or end them. Then mycelium reconcile ENV --nothing-runs goes on, and the audit log says that you said so. A run on the host sees by itself.",
  "process-unreadable":
    "An earlier run was killed while a program of yours (a restart hook, or one of the driver exec) was at work. Such a program is found by a mark in its environment, and the environment of the process that the message names cannot be read: its owner can do that. So it may be that program, or another user's process, and nothing is decided at that service, nor restarted there. Find out what the process is (its user is in the message), and end it; then mycelium run asks again, or repeat the command. If no program of an earlier run lives any more, mycelium reconcile ENV --nothing-runs goes on without a look at it, and the audit log says that you said so.",
  "handed-over":
    "A rotation stopped between two steps because another run has asked for its environment, as rotate-now --contain does. Nothing is lost: that run carries on with it first. There is nothing to do.",
  "value-unknown":
    "A secret was chosen for a containment, no value of it that works is known (it was never adopted, or its service refuses every version), and nothing here can set one without knowing it: a role that changes its own password, a user without an admin, a program that cannot take away what it does not know. Whatever its service accepts now may be in wrong hands. Put the value that works into the output and take it over with mycelium adopt, or name an admin in the config; then the same rotate-now --contain again, with its --incident.",
  "not-contained":
    "A secret was chosen for a containment that has not come to its end: its service did not answer, a value is not proven dead, no run has begun it yet, or it was rotated without --contain, so that older sessions and values that others have set may live. Treat it as compromised. Correct what the code beside it says, then run the command that check or mycelium report shows: the same rotate-now --contain with --incident and the incident's name, which carries on where it is. Only that, or another containment of it (or mycelium delete), ends this.",
  "sessions-may-live":
    "A containment has given a secret a new value, and no other opens its service any more. But sessions that were opened with an older one may live, and mycelium can neither see nor end them there (it has no right to, or the service has no word for it): who is in such a session is still in. Do what the message says, or end them at the service by hand, a restart of the server is one way; then the same rotate-now --contain with --incident and its name looks again. The note stays until that has ended them, or the secret gets another value.",
  "cannot-go-back":
    "A rotation should go back, but the service does not take the former value again. The new value stays sealed in the state and may be the one that works. See the server's log, set either value at the service by hand, then run the same command again.",
  "no-way-back":
    "For this first value there is no way back: what the service holds now cannot be read, so it could not be put back if a deployment fails with the new one. Let the admin read the stored form, or have the present value at hand and adopt it instead.",
  "rolled-back":
    "A rotation failed after the service had taken the new value, and everything was put back: service, outputs, deployments. The old value works. The code beside it says why. Put that right; then mycelium run tries again where the secret is due, and mycelium rotate-now tries at once.",
  "deployment-unhealthy":
    "A deployment was not healthy before the rotation, or did not become healthy with the new value. Before: its secrets wait, for its health could prove nothing. After: the rotation goes back. Look at the deployment's own log first.",
  unhealthy:
    "A deployment restarted, but its health check did not succeed in time. Look at its log: often it is only slow (raise within), or reads another file than the output.",
  "back-unhealthy":
    "A rotation went back: the service and the files hold the old value. But a program could not be restarted with it, or did not get healthy: it may be down, or still use the value that was given up. Look at its log, correct the cause, restart it so that it reads its files again. The note stays until a rotation of the secret has proven the program healthy: mycelium rotate-now.",
  "output-owed":
    "A containment could not write an output (an edited line, a link in its place, a full disk) and left it as it is, or could not restart a program, and went on. Programs that read it hold a value that no service takes any more; one that no service asks for (generated) they go on taking, so it is not contained yet. Find out who did that, and put the file, or the restart program, right. mycelium run then writes the file and restarts those programs; the same containment again does so at once; mycelium render writes it and restarts none.",
  overtaken:
    "A containment took this secret out of a rotation that nobody could end: its service answered, and it waited there for another secret's service, or for a file. The value which that rotation had made counts as one that may be live, until the containment has made a fresh one and ended all others. The rest of that rotation stays open, as it was.",
  "promoted-unhealthy":
    "A new value is current, and for it there was no way back: a containment does not put the old one in place again, nor does a first value or one that was found alive. But a program did not get healthy with it, and may be down. Look at its log, correct the cause, restart it so that it reads its files again. After a containment the same command with --incident and its name then looks at its health (where nothing asks for that, it restarts it) and says exit 0; else mycelium rotate-now on the secret proves it. So does every later restart by mycelium that ends healthy. Until then the note stays; it blocks no rotation once the program is healthy.",
  "restart-failed":
    "The program that restarts a deployment failed, or what it started did not stay up (its container or service ended, was started again, or is unhealthy by its own check). The output of that program is not kept, for it may hold values. Run it by hand, as mycelium's user, in the config's folder.",
  "restart-timeout":
    "The program that restarts a deployment did not end in time and was ended. Nobody knows whether it restarted. Raise timeout at the deployment if it is only slow.",
  "hook-still-running":
    "An earlier run of a restart program is still there and cannot be ended; two at once would be worse than none. Look at that process (it carries MYCELIUM_RUN in its environment) and end it by hand.",
  "unit-missing":
    "There is no unit of the name in the config, or it is masked, so a restart is bound to fail. Correct the name (systemctl list-units --type=service --all shows those that there are), or unmask it.",
  "systemd-failed":
    "The unit could not be asked for, so a restart is bound to fail. The sentence says why. In a container there is no systemd; a service of a user (user: true) needs that user's manager to run.",
  "compose-project":
    "The containers that a deployment means cannot be told: none was started from the config's folder (or file), or several projects were. Recreating by guess could start a second project, or replace a container of another. Name the project in the config: compose: { service: api, project: live }; docker compose ls shows those that run.",
  "compose-service":
    "The compose file has no service of that name. Correct the name in the config; docker compose config --services lists the services.",
  "compose-missing":
    "The service is in the compose file but has no container, so there is nothing to recreate. Start it once with docker compose up -d, or take the deployment out of the config.",
  "compose-changed":
    "A restart would deploy more than new secrets: the compose file, its variables or its env files are not those that the container was started with (edited, or filled by variables of a shell that a rotation does not have: put these into .env), or its image was built or pulled anew. A rotation does not deploy. Bring the service up to date yourself (docker compose up -d) and rotate again; or say allow_changes: true at the deployment's compose, and a rotation takes the changes along.",
  "compose-failed":
    "Docker or Compose could not be asked, or could not do what it was asked for. The sentence says why where that is known. What they print is not repeated, because it may hold a line of a .env: run the command of the hint by hand.",
  "compose-old":
    "This Compose cannot say beforehand what a restart would change. Rotations work; a change of the compose file or of the image since the start would be deployed by them unnoticed. Install Compose 2.30 or newer.",
  "reader-unlisted":
    "Another service reads a file that Mycelium writes, and no deployment restarts it: after a rotation it keeps the old value and loses its access. Add it to the deployment's services, or give it a deployment of its own.",
  "health-shallow":
    "The health check proves that a program listens, not that it works with the new value: a program that cannot log in to its database may listen all the same. Ask for something that needs the value, such as an http address that reads the database.",
  "hook-writable":
    "Others than root and mycelium's user can change a program that mycelium runs, or a compose file that it hands to Docker: who does has mycelium's rights and sees values. A rotation does not begin; a containment is not held up by it. Do as the message says (chown to root, chmod go-w), and look at what is in it now.",
  "hook-missing":
    "A program named in the config is missing or not executable. The rotation is not started, because neither the restart nor the rollback could run. (rotate-now --contain warns and continues.) Put the program there, chmod +x it, or correct the path.",
  "in-grace":
    "The value before the current one is still accepted, for its grace is not over. Another rotation would take it away early. Wait, or add --skip-grace: then whoever still uses it is cut off.",
  "value-exists":
    "A first value was asked for (--new) where one visibly exists: in the state, at the service or in an output. Making one would lock out whoever uses it. To take over what exists: mycelium adopt. To rotate: leave out --new.",
  "refused-by-policy":
    "The service will never take this value, or this form of it: a policy about passwords. The old value is untouched. See the policy; for a server that takes no verifier there is send: plaintext.",
  "value-refused":
    "The service refuses the value as it was sent. The old value is untouched. See the server's log.",
  "password-missing":
    "A version holds no password, so no login with it is possible. The state may have been adopted under another driver. Adopt it again.",
  "admin-missing":
    "This needs an admin at the service, and the config names none. Name one under admin, with its password by reference.",
  "login-missing":
    "No version holds a password to log in with, and the config names no admin: there is no way in. Adopt the value that exists, or name an admin.",
  "login-needed":
    "The service wants a login first, and got none that it takes. See the admin, or the user, in the config.",
  "password-refused":
    "The service refuses a password that mycelium logs in with: the admin's, or that of the secret itself. If the admin's: correct the reference. If the secret's own: someone changed it; adopt the one that works.",
  "not-permitted":
    "The login that mycelium uses may not do what is needed. The remedy of mycelium check --connect shows the smallest GRANT or ACL that is enough.",
  "too-many-connections":
    "The service has no connection left. It often passes: mycelium run tries again; without it, repeat the command. Else raise the limit, or find who holds them.",
  "server-not-ready":
    "The service is starting, stopping, loading or cut off from its primary. mycelium run tries again; without it, repeat the command.",
  "server-too-old":
    "The service is older than what mycelium can rotate without a risk (PostgreSQL 10, MariaDB 10.4, Redis 6). Upgrade it.",
  "admin-not-asked":
    "The service lets the admin in without asking for a password (trust, peer, a certificate). It works; anybody who can connect from here is that admin.",
  "answer-malformed":
    "What answers at the address does not speak the expected protocol. Correct host and port in the config, or look at what stands in between.",
  "answer-too-large":
    "What answers at the address sends far more than was asked for, and was cut off. Probably it is another service. Correct host and port.",
  "tls-unverified":
    "The server's certificate could not be verified: another authority, another name, expired. Something in between could be reading. Name the authority under tls.ca, and the name in the certificate if it differs from the address. Do not reach for insecure: true first.",
  "tls-not-offered":
    "The server offers no TLS, and off this machine mycelium sends no password without it. Turn TLS on at the server; insecure: true is for a network that you trust as you trust this machine.",
  "tls-file-unreadable":
    "A certificate or key that the config names cannot be read. Correct the path under tls, or the file's mode.",
  "tls-client-certificate":
    "The server asks for a certificate of ours, or does not take the one it got. Name one under tls, signed by an authority that the server knows.",
} as const
