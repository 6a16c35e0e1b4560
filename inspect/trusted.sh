# say_unsafe PATH: what on the way to it can be changed by others than root, links followed, one a line. As inspect/trusted.ts.
say_unsafe() (
  at=/ rest=$1 links=0
  while :; do
    mode=$($sudo stat -c '%u %a' "$at")
    case $mode in
      '0 '*) [ $((0${mode#0 } & 022)) = 0 ] || [ $((0${mode#0 } & 01000)) != 0 ] || printf '%s\n' "$at" ;;
      *) printf '%s\n' "$at" ;;
    esac
    next=$at
    while [ "$next" = "$at" ]; do
      [ -n "$rest" ] || return 0
      name=${rest%%/*}
      case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
      case $name in
        '' | .) ;;
        ..)
          at=${at%/*}
          at=${at:-/}
          next=$at
          ;;
        *) next=${at%/}/$name ;;
      esac
    done
    if $sudo test -L "$next"; then
      [ "$($sudo stat -c %u "$next")" = 0 ] || printf '%s\n' "$next"
      links=$((links + 1))
      [ "$links" -le 40 ] || return 0
      target=$($sudo readlink "$next")
      case $target in /*) at=/ ;; esac
      rest=$target/$rest
    elif $sudo test -e "$next"; then
      at=$next
    else
      return 0
    fi
  done
)
