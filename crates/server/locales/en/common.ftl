# What many pages say.

account = Work account
continue = Continue
copied = Copied
copy-details = Copy details
demo = This is a demo on this machine. Its people, passwords and clusters are made up and reachable from here only.
help = Help
just-now = less than a minute ago
minutes-ago = { $minutes } min ago
hours-ago = { $hours } h ago
days-ago =
    { $days ->
        [one] { $days } day ago
       *[other] { $days } days ago
    }
kubernetes-sign-in = Kubernetes sign-in (AKS client)
next = Next
password = Password
