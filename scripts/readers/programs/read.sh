# SHELL read.sh WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable. Each file in a shell of its own, that
# finds no program, for a file may turn out to hold commands.
which=$1
found_before=$PATH
while IFS= read -r file; do
  printf '\0'
  (
    exec 2> /dev/null < /dev/null
    PATH=/nonexistent
    case $which in
      source) set -a; . "$file" > /dev/null; exec /usr/bin/env -0 ;;
      xargs) PATH=$found_before; export $(grep -v '^#' "$file" | xargs) > /dev/null; exec /usr/bin/env -0 ;;
      env-cat) exec /usr/bin/env $(/usr/bin/grep -v '^#' "$file") /usr/bin/env -0 ;;
      while-read)
        while IFS= read -r line || [ -n "$line" ]; do
          case $line in '#'* | '') ;; *=*) export "${line%%=*}=${line#*=}" ;; esac
        done < "$file"
        exec /usr/bin/env -0 ;;
      make)
        PATH=$found_before
        printf 'include %s\nexport\nall:\n\t@/usr/bin/env -0\n' "$file" | make -s -f - ;;
    esac
  )
done
:
