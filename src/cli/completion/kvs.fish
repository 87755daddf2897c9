# Completion of kvs for fish. In ~/.config/fish/config.fish: kvs completions fish | source
# kvs itself finds the candidates; nothing of what it prints is evaluated.
function __kvs_complete
    set -l typed (commandline -ct)
    # An open quote is closed for the look at it.
    set -l current (string unescape -- "$typed"; or string unescape -- "$typed\""; or string unescape -- "$typed'")
    set -l words (commandline -opc)
    set -l lines (printf '%s\0' $words[2..] "$current" | command kvs completions fish --candidates 2>/dev/null)
    set -l attached (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$lines[1]"
        case files
            printf '%s\n' "$attached"(__fish_complete_path "$path")
        case directories
            printf '%s\n' "$attached"(__fish_complete_directories "$path")
        case words
            printf '%s\n' $lines[2..]
    end
end
complete -c kvs -f -a '(__kvs_complete)'
