# fish completion for kubelogin.

function __kubelogin_offer
    set -l before (commandline -opc)
    set -l typed (commandline -ct)
    # An empty word would be no word.
    test (count $typed) -eq 0; and set typed ''
    set -l lines (command kubelogin __complete $before[2..-1] $typed 2> /dev/null)
    test (count $lines) -gt 0; or return
    set -l prefix ''
    if string match -q -- '-*=*' $typed
        set prefix (string replace -r -- '=.*' '=' $typed)
    end
    switch $lines[-1]
        case ':0'
            __fish_complete_path (string replace -r -- '^-[^=]*=' '' $typed) | string replace -r -- '^' $prefix
        case ':16'
            __fish_complete_directories (string replace -r -- '^-[^=]*=' '' $typed) '' | string replace -r -- '^' $prefix
        case '*'
            test (count $lines) -gt 1; and string replace -r -- '^' $prefix $lines[1..-2]
    end
end

complete -c kubelogin -e
complete -c kubelogin -f -a '(__kubelogin_offer)'
