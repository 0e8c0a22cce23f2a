# bash completion of scratch
# shellcheck shell=bash

_scratch() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} index
    local functions='--region --trusted-region --frame --trusted-frame --except --stack-arguments --rules'
    local commands='run env check doctor' next='--next' modes='off scoped adaptive check'

    # What macOS does not have yet.
    if [[ $OSTYPE == darwin* ]]; then
        functions='--rules' commands='run env doctor' next='' modes='off scoped adaptive'
    fi

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    # The first word that is neither an option nor an option's value is the program: from there on it is its
    # own command line.
    for ((index = 2; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        --mode | --budget | --output | --next | --exclude | --log | --json | --error-exitcode | --quarantine | --mappings | \
            --depth | --rules | --stack-arguments | --region | --trusted-region | --frame | --trusted-frame | \
            --except) ((index++)) ;;
        --) ((index++)) && break ;;
        -*) ;;
        *) break ;;
        esac
    done
    if ((index < COMP_CWORD)) && [[ $command == run || $command == check ]] && declare -F _command_offset >/dev/null; then
        _command_offset "$index"
        return
    fi
    case $before in
    --mode) mapfile -t COMPREPLY < <(compgen -W "$modes" -- "$word") ;;
    --log) mapfile -t COMPREPLY < <(compgen -W 'off error warn info debug' -- "$word") ;;
    --next) mapfile -t COMPREPLY < <(compgen -W 'mimalloc jemalloc tcmalloc' -f -- "$word") ;;
    --budget) mapfile -t COMPREPLY < <(compgen -W '512K 1M 8M 64M' -- "$word") ;;
    --output | --json | --rules) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --frame | --trusted-frame) mapfile -t COMPREPLY < <(compgen -W 'poll epoll_wait select glXSwapBuffers
        eglSwapBuffers SDL_GL_SwapWindow vkQueuePresentKHR' -- "$word") ;;
    --errors-for) mapfile -t COMPREPLY < <(compgen -W 'leak escape leak,escape' -- "$word") ;;
    --stack-arguments) mapfile -t COMPREPLY < <(compgen -W '128 256 512 1024' -- "$word") ;;
    --region | --trusted-region | --except) ;;
    *)
        if [[ $word == -* && ($command == run || $command == env) ]]; then
            mapfile -t COMPREPLY < <(compgen -W "--mode --budget --stats --stats=json --output $next --no-follow
                --exclude --log $functions --help --" -- "$word")
        elif [[ $word == -* && $command == check ]]; then
            mapfile -t COMPREPLY < <(compgen -W "--json --halt --error-exitcode --errors-for --leaks --no-escapes --no-lines
                --every-block --quarantine --mappings --depth --next --no-follow --exclude --log $functions --help --" \
                -- "$word")
        elif [[ $word == -* && $command == doctor ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$functions --help --" -- "$word")
        elif [[ $command == run || $command == check || $command == doctor ]]; then
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        fi
        ;;
    esac
}
complete -o default -F _scratch scratch
