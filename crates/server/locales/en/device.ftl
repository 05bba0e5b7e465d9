# The sign-in of another device.

another-device = another device
approved-text = You are signed in. Go back to your terminal. You can close this page.
asked = Asked
asked-from = Asked from
asks-for = Asks for
built-in = Built in
choose-no = If you did not just run a command in your own terminal, choose { $no }.
code = Code
code-hint = 9 letters and digits. Capitals, spaces and dashes do not matter.
code-wrong = That code is not valid. Codes work once and expire after 15 minutes.
codes-paused =
    { $minutes ->
        [one] Too many codes. Wait { $minutes } minute.
       *[other] Too many codes. Wait { $minutes } minutes.
    }
compare = compare it with your terminal
connect-device = Connect a device
denied-text = Stopped. Nothing was signed in and the code no longer works.
device-asks = A program on { $device } is asking to act as { $user }.
device-warning = Only type a code that you asked for yourself.
device-warning-more = Nobody from support, and no e-mail, chat or meeting invitation, will ever give you one.
did-you-start = Did you start this?
i-see-this-code = I can see this code on my own screen right now
network-different = another network
network-risk = This request comes from another network: { $address }
network-same = same network as this browser
network-unknown = network not known
no = No
no-stop = No, stop this
program = Program
reach-arm = Clusters and other resources that you may manage
reach-cluster = Kubernetes API of your clusters
reach-graph = People, groups and applications in the directory, as far as you may
reach-other = The application { $app }
registered = Registered by your administrators
report = Someone sent me this code: report it
reported = Thank you. Your administrators can see the report. The code no longer works.
see-sessions = See and end your sessions
signed-in = You are signed in
software = Software
stopped = Stopped
yes-sign-in = Yes, sign in
could-reach = Could then reach
origin-risk = This program was registered by somebody who does not administer your organisation.
program-on = { $program } on { $system }
reach-administers = including administrator rights on { $clusters }
reach-more = and { $count } more
reach-nothing = no cluster
registered-by = Registered by a user: { $name }, { $date }
rights-risk = You administer clusters, and it is not known which network this request comes from.
