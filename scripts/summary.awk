# What scripts/test ends with, from all that `bun test` said: each failed test with its file, then the counts. `code` is what
# bun ended with, `root` the folder that it ran in. The counts are those that stand together right above "Ran N tests".
/^[^ ]+\.test\.ts:$/ { file = substr($0, 1, length($0) - 1) }
# Bun repeats the failed tests at the end, without their files.
/^[0-9]+ tests? (failed|skipped):$/ { repeated = 1 }
!repeated && /^\(fail\) / {
  name = substr($0, 8)
  sub(/ \[[0-9.]+m?s\]$/, "", name)
  lines[++found] = "failed: " file ": " name
}
# Bun names no file above an error outside of the tests if the same worker has just ended another file: the first frame of
# its stack tells where it is from.
!repeated && /^# Unhandled error/ {
  lines[++found] = "failed: " file ": an error outside of its tests"
  unplaced = found
}
unplaced && /^ +at .*:[0-9]+:[0-9]+\)?$/ {
  frame = $NF
  sub(/^\(/, "", frame)
  sub(/:[0-9]+:[0-9]+\)?$/, "", frame)
  if (index(frame, root "/") == 1) frame = substr(frame, length(root) + 2)
  lines[unplaced] = "failed: " frame ": an error outside of its tests"
  unplaced = 0
}
/^\((pass|fail)\) / { unplaced = 0 }

/^ *[0-9]+ (pass|fail|skip|todo)$/ { n[$2] = $1; next }
/^ *[0-9]+ (filtered out|error|errors|expect\(\) calls?)$/ || /^ *[0-9]+ snapshots?,/ { next }
/^Ran [0-9]+ tests? across/ { passed = n["pass"]; failed = n["fail"]; skipped = n["skip"] + n["todo"] }
{ delete n }

END {
  for (i = 1; i <= found; i++) print lines[i]
  if (code != 0 && failed == 0) failed = 1
  if (code != 0 && found == 0) print "failed: bun test itself, with " code ": see what it said"
  printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}
