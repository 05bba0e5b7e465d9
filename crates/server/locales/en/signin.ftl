# Signing in, choosing an account, going back to the application, signing out.

continue-as = Continue as { $name }
other-account = Use another account
pick-account = Choose an account
returning = Returning to { $app }…
returning-title = Returning
sign-in = Sign in
sign-in-again = Sign in again
sign-in-paused = Too many tries. Wait a minute and try again.
sign-in-wrong = That name and password do not match.
sign-out = Sign out
sign-out-question = Sign out of this browser?
sign-out-text = Everyone who is signed in in this browser will be signed out.
signed-in-ago = signed in { $ago }
signed-out = You are signed out
signed-out-text =
    { $minutes ->
        [one] This browser is signed out. A token kept by kubectl can work for up to { $minutes } minute; `kubelogin remove-tokens` ends that too.
       *[other] This browser is signed out. A token kept by kubectl can work for up to { $minutes } minutes; `kubelogin remove-tokens` ends that too.
    }
to-continue = to continue to { $app }
to-continue-device = to continue on another device: { $app }
sign-in-keep = Keep me signed in on this browser
sign-in-passkey = Sign in with a passkey
