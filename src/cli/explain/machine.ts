/**
 * The machine: its random generator, clock, disks and programs. Each text says what it means, why it
 * matters, and what to do now.
 */
export const machine = {
  "random-broken":
    "The random generator of this machine repeats itself, or gives bytes that no value can be " +
    "made of. A person who knows one value could guess the next, so nothing is generated. " +
    "Run mycelium check again; if it stays, rotate from another machine, and look for what " +
    "replaced the kernel's generator: a cloned or restored virtual machine, an LD_PRELOAD, " +
    "a broken sandbox. A sound machine gets this by chance less than once in 2^40 runs.",
  "random-biased":
    "Some characters come far too often, or too seldom, in values made just now. " +
    "Each value then holds fewer bits than it seems to. " +
    "Treat the machine as if its random generator were broken: rotate from another one, " +
    "and find what intervenes between mycelium and the kernel's generator. " +
    "Values that this machine made before should be rotated from a sound one.",
  "length-too-short":
    "The config asks for a value that is too short to hold a letter, a digit, a special " +
    "character and enough different characters. Nothing was made. " +
    "Raise length in the config; 32 is the default.",
  "clock-wrong":
    "The clock is before this program was written, or the state holds instants that have not " +
    "come yet. Ages, graces and schedules are counted by the clock. " +
    "If it is wrong now, set it (timedatectl status, chronyc makestep) and run check again. " +
    "If it was ahead when the state was written, and is right now, the service corrects those " +
    "instants once the clock has run true for ten minutes; rotate-now on the environment " +
    "corrects them at once. A grace then ends as intended, and a value of unknown age is due " +
    "at the next scheduled time.",
  "clock-leapt":
    "The wall clock leapt by more than a day while the service ran. " +
    "Nothing is rotated until it has run true for ten minutes, so that a leap does not rotate " +
    "everything at once; revokes that are owed go on. " +
    "See which clock is right (timedatectl, the hypervisor); if the new time is right, " +
    "just wait.",
  "clock-behind":
    "The state holds a time that has not come yet: the clock is behind now, or was ahead when " +
    "that was written. Mycelium cannot know which, so nothing is due. " +
    "The service waits until the clock has run true for ten minutes; " +
    "run --once trusts systemd-timesyncd, if that runs. If the clock is wrong, set it. " +
    "If it is right, mycelium rotate-now on the environment corrects the time in the state at " +
    "once. run --once cannot notice that a clock is ahead now: let its timer start after " +
    "time-sync.target.",
  "core-dumps":
    "A crash of this process could write its memory, with the values in it, to a file. " +
    "Mycelium asks the kernel for no core by itself, but could not here. " +
    "Set LimitCORE=0 in the unit, or ulimit -c 0.",
  "memory-readable":
    "Mycelium asks the kernel to let no other program of the same user read its memory " +
    "(PR_SET_DUMPABLE), and could not here: a filter of system calls denies it, " +
    "or no code may be made at run time (MemoryDenyWriteExecute= in a unit), which the call " +
    "needs. Nothing else is missing. Run mycelium as a user that runs nothing else, " +
    "as its unit does.",
  "disk-full":
    "The disk of the store has no room for all that a rotation has to write until its end, " +
    "a rollback included. The room is reserved before any value is made, so that no service " +
    "gets a value that could then not be stored. Nothing was changed. " +
    "Free some space; the message says how much is needed.",
  "store-full":
    "The disk of the store is full: not even a lock or one state can be written, " +
    "so nothing is rotated or contained; what is due waits, and nothing new is noted. " +
    "Free some space. What is already written is not lost.",
  "runs-as-root":
    "Mycelium runs as root. It works, but an attacker who finds a hole in it gets the " +
    "machine. A user of its own is enough if the outputs may belong to that user, " +
    "or to a group that it is in, and if the restarters work without root.",
  "wrong-user":
    "You run mycelium as another user than the one that the store belongs to. " +
    "As root nearly everything works, but the service cannot read what root writes, " +
    "and its next rotation fails. Run every command as that user: sudo -u mycelium mycelium " +
    "check.",
  "network-file-system":
    "The store is on a file system of another machine (NFS, CIFS, 9p, …), which may grant a " +
    "lock twice. Two rotations at once could lock an application out. " +
    "Move the store to a local disk: stop the service, copy the folder with its modes, " +
    "change store in the config.",
  "journal-unreachable":
    "The machine's journal (journald) did not take the head of an audit log: " +
    "there is none here, as in most containers, or it hangs. " +
    "Nothing else is wrong, and the next act sends it again. " +
    "Without journald, write audit: { heads: { command: [...] } } and a program that carries " +
    "the line elsewhere.",
  "program-missing":
    "A program that the config names, or that mycelium needs, was not found. " +
    "Programs get a fixed PATH, not yours. Give its absolute path, and see that the file and " +
    "the interpreter in its first line exist.",
  "program-failed":
    "A program could not be started, or ended with a code other than 0 or by a signal. " +
    "Its output is not repeated, because it may hold values. " +
    "Run it by hand as the user that runs mycelium, and check that it is executable and that " +
    "its file system is not mounted noexec.",
  "program-timeout":
    "A program took longer than allowed and was ended, with everything that it had started. " +
    "What it should do was not done, or that is unknown. " +
    "Run it by hand to see what it waits for; raise timeout at the deployment if it is only " +
    "slow.",
  timeout:
    "A service or a program gave no answer in time. It is unknown whether it did what was " +
    "asked, and nothing is decided on that. Check that the service runs and that nothing " +
    "between drops packets. mycelium run asks again; without it, repeat the command.",
  abandoned:
    "A question was given up because something else had become more urgent: " +
    "after a one-value service has changed, Mycelium does not wait for the others. " +
    "mycelium run tries the secret again; without it, repeat the command. " +
    "If it stays, look at the service that is slow.",
  unreachable:
    "No connection to the service: refused, no route, or a name that does not resolve. " +
    "Nothing was changed. Check that it runs, that the address in the config is right, " +
    "and that no firewall keeps this machine out.",
  stopped:
    "Mycelium was asked to stop (SIGTERM, SIGINT, a closed terminal) and did, between two " +
    "steps at which every program works. Nothing is lost: the same command, or mycelium run, " +
    "finishes what was begun. While programs hold a value that no longer works, " +
    "or different ones of what they share, " +
    "a first request does not stop it: it finishes or goes back, and says so. " +
    "A second request, or 1m 20s, ends it at once. It then ends with exit code 7, " +
    "and names the programs that are cut off until the same command is run again.",
  unexpected:
    "A plug-in failed in a way that it does not know itself. " +
    "Its message is not shown, because it may hold a value. " +
    "mycelium run tries again; without it, repeat the command. " +
    "If it stays, start with MYCELIUM_DEBUG=stack and report what you did, without any value.",
  internal:
    "A mistake inside mycelium: something happened that cannot happen. " +
    "Nothing more was done after it, and the state is as durable as before. " +
    "Run the command again; if it stays, report what you did and the version, without any " +
    "value.",
} as const
