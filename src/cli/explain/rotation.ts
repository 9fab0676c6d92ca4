/** A rotation: what a service answers, and what happens to old values. */
export const rotation = {
  "accepts-anything":
    "The service lets a random wrong password in, so no login proves anything and the secret " +
    "protects nothing. It is not rotated. Make the service ask for passwords from this " +
    "address: no trust or peer line in pg_hba.conf, no nopass in Redis.",
  "no-answer":
    "The service neither accepted nor refused a login: it cannot be reached, is starting, " +
    "or is full. Nothing is decided on that. Check that it runs and can be reached from here. " +
    "mycelium run asks again; without it, repeat the command.",
  "current-refused":
    "The service refuses the current value: a person or another Mycelium has changed it there, or " +
    "the server has lost the change (a failover, a backup that was put back). Programs that start " +
    "now may be locked out. Until a person acts, the secret is not rotated and none of its values " +
    "is revoked. mycelium reconcile finds out whether an older version works, and makes it current. " +
    "If a person has changed it, put the value that works into the output and run mycelium adopt, " +
    "or set the current one back at the service. If another Mycelium rotates the login, take it out " +
    "of one of them first. If the change was not authorised: mycelium rotate-now --contain, which " +
    "needs an admin.",
  "none-accepted":
    "The service refuses every version in the state that was tried: " +
    "a person set a password that mycelium does not know, the login is off or expired, " +
    "or the backup that was put back is older than the stored versions. " +
    "If you know a value that works, take it over (mycelium adopt ENV --ask). " +
    "Else set the current one at the service by hand, then run mycelium reconcile. " +
    "Until then the secret is not rotated and no value of it is revoked.",
  drifted:
    "The service accepts neither the new nor the current value, but another one that is " +
    "stored: a person put an older one back. No further step is taken until a person acts. " +
    "If that value is right: mycelium reconcile makes it the current one; " +
    "else set the current one at the service, and run the same command again.",
  stuck:
    "The service accepts no value that mycelium knows: a person has changed the password, " +
    "or the login is off or expired. No further step is taken until a person acts, " +
    "and no value counts as dead. If you know the password that works: " +
    "mycelium adopt ENV --ask takes it over and ends the rotation; files and programs follow. " +
    "Else set the password at the service by hand to the one in the output, then run the same " +
    "command again. Every value that was ever given to a service is sealed in the state.",
  "not-accepted":
    "The service took the new value without complaint, but refuses a login with it. " +
    "The rotation goes back to the old value. The server's log may say why: " +
    "a policy, an expiry, another server behind the same address.",
  "not-settled":
    "An earlier act of mycelium may still be under way at the service (a statement that waits " +
    "for a lock), and could take effect later. Nothing is decided before it has ended. " +
    "Find out who holds the lock. mycelium run asks again; without it, repeat the command.",
  "waits-for-another":
    "A rotation goes back. This secret is back already, but a file shows it beside another " +
    "secret, and it is not known yet which value that one's service accepts. " +
    "So the file, and the programs that read it, wait for the other secret. " +
    "Read what mycelium status says about that one.",
  "not-proven-dead":
    "An old value was taken away, but the service still accepts it. Treat it as live. " +
    "Look for a second way to log in: another password of the same user, a replica, " +
    "trust from this address. mycelium run tries again; without it, repeat the command.",
  "no-counter-proof":
    "The service refuses the old value, but the current one too, so the refusal proves " +
    "nothing: the role may be expired or off. Repair the login. " +
    "mycelium run asks again; without it, repeat the command.",
  "no-current":
    "An old value is to be revoked, but there is no current one, which is needed to prove " +
    "that the old one is dead. Make or adopt a value first.",
  "other-namespace":
    "An earlier run was killed while a program of yours (a restart hook, or one of the driver " +
    "exec) was at work, and that run was in another container, outside this one, " +
    "or on another machine. Its program may still run and take effect later, and this run " +
    "cannot see it. So nothing is asked, decided or started there. " +
    "On the host, as root, run the grep command in the message: it names each program that " +
    "still runs. Wait until there is none, or end them. " +
    "Then mycelium reconcile ENV --nothing-runs goes on, and the audit log notes that you " +
    "said so. A run on the host can see them itself.",
  "process-unreadable":
    "An earlier run was killed while a program of yours (a restart hook, or one of the driver " +
    "exec) was at work. Such a program is found by a mark in its environment, and the " +
    "environment of the process in the message cannot be read: its owner can prevent that. " +
    "So it may be that program, or another user's process, and nothing is decided or " +
    "restarted there. Find out what the process is (its user is in the message), and end it. " +
    "Then mycelium run asks again; without it, repeat the command. " +
    "If no program of an earlier run is left, mycelium reconcile ENV --nothing-runs goes on " +
    "without looking at it, and the audit log notes that you said so.",
  "handed-over":
    "A rotation stopped between two steps because another run has asked for its environment, " +
    "as rotate-now --contain does. Nothing is lost: that run carries on with it first. " +
    "There is nothing to do.",
  "value-unknown":
    "A secret was chosen for a containment, but no working value of it is known (it was never " +
    "adopted, or its service refuses every version), and Mycelium cannot set a new one " +
    "without it: the role changes its own password, the user has no admin, or the program " +
    "cannot take away a value that it does not know. The value that its service accepts now " +
    "may be in the wrong hands. Put that value into the output and take it over with mycelium " +
    "adopt, or name an admin in the config. Then run the same rotate-now --contain again, " +
    "with its --incident.",
  "not-contained":
    "A secret was chosen for a containment that is not finished: its service did not answer, " +
    "a value is not proven dead, no run has begun it yet, or it was rotated without " +
    "--contain, so older sessions and values that others have set may still work. " +
    "Treat it as compromised. Correct what the code beside it says, then run the command that " +
    "check or mycelium report shows: the same rotate-now --contain with --incident and the " +
    "incident's name, which continues where it was. Only that, or another containment of it " +
    "(or mycelium delete), ends this.",
  "compromised-again":
    "A containment took a value away, and that value counts again: a person has set it again at " +
    "its service and adopted it, or the service takes it again after a failover or a backup " +
    "that was put back. " +
    "Anyone who had it can use it again, so the secret is not contained any more. " +
    "Find out who set it, then run the command that check or mycelium report shows: " +
    "the same rotate-now --contain with --incident and its name makes a fresh value. " +
    "A rotation does not end this, for older sessions outlive it.",
  "state-put-back":
    "The state that is used now is older than a containment of this secret that the audit log " +
    "tells of: a backup of the state was put back. The state may hold the value that the " +
    "containment took away as the current one, and does not hold the value that it made. " +
    "So the secret counts as not contained. If an output still shows a newer value, mycelium " +
    "adopt takes it over; do not empty that variable. Then run the command that check or " +
    "mycelium report shows: the same rotate-now --contain with --incident and its name makes " +
    "a fresh value.",
  "sessions-may-live":
    "A containment has given a secret a new value, and its service accepts no other any more. " +
    "But sessions that were opened with an older value may still be open, and mycelium can " +
    "neither see nor end them (it lacks the right, or the service has no command for it): " +
    "a person in such a session still has access. Do what the message says, or end the " +
    "sessions at the service by hand, for example by a restart of the server. " +
    "Then the same rotate-now --contain with --incident and its name checks again. " +
    "The note stays until that has ended them, or the secret gets another value.",
  "cannot-go-back":
    "A rotation should go back, but the service does not accept the former value again. " +
    "The new value stays sealed in the state and may be the one that works. " +
    "Read the server's log, set either value at the service by hand, then run the same " +
    "command again.",
  "no-way-back":
    "For this first value no rollback is possible: what the service holds now cannot be read, " +
    "so it could not be put back if a deployment fails with the new value. " +
    "Let the admin read the stored form; or, if you know the present value, adopt it instead.",
  "rolled-back":
    "A rotation failed after the service had taken the new value, and everything was put " +
    "back: service, outputs, deployments. The old value works. The code beside it says why. " +
    "Correct that. Then mycelium run tries again if the secret is due, and mycelium " +
    "rotate-now tries at once.",
  "restart-loads-refused":
    "A program reads this secret and another one, whose service refuses its current value. A rotation " +
    "restarts that program, which would then read the refused value, and may hold one that works now. " +
    "Put the other secret right first (mycelium explain current-refused). A containment does not wait " +
    "for that.",
  "output-owed":
    "A containment could not write an output (an edited line, a full disk) or restart a program, " +
    "and went on; or mycelium render has replaced an older value in a file, which programs may have " +
    "read. Programs that read it hold a value that no service accepts any more; one that " +
    "no service asks for (generated) they still accept, so it is not contained yet. " +
    "Correct what prevented it. mycelium run then writes the file and restarts those programs; " +
    "the same containment again does so at once; mycelium render restarts none. " +
    "A program that is not in the config cannot be restarted: put it back, or, once " +
    "you have made sure that it does not run any more, mycelium reconcile ENV --gone PROGRAM.",
  overtaken:
    "A containment took this secret out of a rotation that could not end: " +
    "its own service answered, but the rotation waited for another secret's service, " +
    "or for a file. The value that the rotation had made may be live, until the containment " +
    "has made a fresh one and ended all others. The rest of that rotation stays open, " +
    "as it was.",
  "in-grace":
    "The value before the current one is still accepted, because its grace is not over. " +
    "Another rotation would take it away early. Wait, or add --skip-grace, which cuts off " +
    "programs that still use it.",
  "value-exists":
    "A first value was asked for (--new), but one exists: in the state, at the service or in " +
    "an output. A new one would lock out the programs that use it. " +
    "To take over what exists: mycelium adopt. To rotate: leave out --new.",
  "refused-by-policy":
    "The service will never accept this value, or this form of it: " +
    "it has a policy about passwords. The old value is untouched. Read the policy. " +
    "If the server accepts no verifier, set send: plaintext.",
  "value-refused":
    "The service refuses the value as it was sent. The old value is untouched. Read the server's log.",
  "password-missing":
    "A version holds no password, so no login with it is possible. " +
    "It may have been adopted under another driver. Adopt it again.",
  "admin-missing":
    "This needs an admin at the service, and the config names none. " +
    "Name one under admin, with its password by reference.",
  "login-missing":
    "No version holds a password to log in with, and the config names no admin, " +
    "so no login is possible. Adopt the value that exists, or name an admin.",
  "login-needed":
    "The service requires a login, and got none that it accepts. Check the admin, " +
    "or the user, in the config.",
  "password-refused":
    "The service refuses a password that mycelium logs in with: the admin's, or that of the " +
    "secret itself. If the admin's: correct the reference. " +
    "If the secret's own: a person changed it; adopt the one that works.",
  "not-permitted":
    "The login that mycelium uses may not do what is needed. " +
    "The remedy of mycelium check --connect shows the smallest GRANT, ACL or policy that is enough.",
  "too-many-connections":
    "The service, or the user by a limit of its own, has no free connection. " +
    "This often passes: mycelium run tries again; without it, repeat the command. " +
    "Else raise the limit, or find out who holds the connections.",
  "server-not-ready":
    "The service is starting, stopping, loading or cut off from its primary. " +
    "mycelium run tries again; without it, repeat the command.",
  "server-too-old":
    "The service is older than the oldest one that mycelium can rotate safely (PostgreSQL 10, " +
    "MariaDB 10.4, Redis 6). Upgrade it.",
  "admin-not-asked":
    "The service lets the admin in without asking for a password (trust, peer, a " +
    "certificate). It works, but any user who can connect from here is that admin.",
  "answer-malformed":
    "What answers at the address does not speak the expected protocol. " +
    "Correct host and port in the config, or look for a proxy in between.",
  "answer-too-large":
    "What answers at the address sends far more than was asked for, and was cut off. " +
    "It is probably another service. Correct host and port.",
  "tls-unverified":
    "The server's certificate could not be verified: another authority, another name, " +
    "expired. Something in between could be reading. Name the authority under tls.ca, " +
    "and the name in the certificate if it differs from the address. " +
    "Do not use insecure: true as the first remedy.",
  "tls-not-offered":
    "The server offers no TLS, and off this machine mycelium sends no password without it. " +
    "Turn TLS on at the server; insecure: true is for a network that you trust as you trust " +
    "this machine.",
  "tls-file-open":
    "Another user can change the file of a certificate, its key or an authority that tls names, " +
    "or its folder. They could name an authority of their own, answer in the place of the server, " +
    "and be told the admin's password. Nothing was sent. See that the file holds what it should, " +
    "then give it, and its folder, to root or to this user alone.",
  "tls-file-unreadable":
    "A certificate or key that the config names cannot be read. " +
    "Correct the path under tls, or the file's mode.",
  "tls-client-certificate":
    "The server asks for a client certificate, or does not accept the one it got. " +
    "Name one under tls, signed by an authority that the server trusts.",
} as const
