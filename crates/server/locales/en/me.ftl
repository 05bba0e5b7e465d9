# A person's own page.

language-de = Deutsch
language-en = English
language-ja = 日本語
me-add-passkey = Add a passkey
me-added = set up { $ago }
me-back = Back to your account
me-began = signed in { $ago }
me-change = Rename or remove
me-codes = Recovery codes
me-codes-left =
    { $left ->
        [one] You have { $left } code left.
       *[other] You have { $left } codes left.
    }
me-codes-new = Make new recovery codes
me-codes-none = They stand in for a second factor; set one up first.
me-current = this browser
me-done-added = The second factor is set up.
me-done-codes = The new recovery codes are valid, and the old ones no longer.
me-done-ended = Ended. Nothing of it works any more.
me-done-password = Your password is changed. Everywhere else you are signed out.
me-done-preferences = Saved for this browser.
me-done-removed = The second factor is removed.
me-done-renamed = The passkey has its new name.
me-done-withdrawn = Taken back. The application gets nothing new in your name.
me-end = End
me-end-all = End all but this browser
me-end-current = Sign out here
me-grants = What you allowed applications
me-grants-hint = What you take back gives the application nothing new; what it holds ends by itself within the hour.
me-language = Language
me-language-auto = As the browser prefers
me-never-used = never used
me-no-grants = You allowed no application anything. What your organisation allowed is not listed here.
me-no-passkeys = You have no passkey.
me-no-totp = You have no authenticator app.
me-passkey-alarmed = refused: a copy of it may exist
me-passkeys = Passkeys
me-passkeys-hint = A passkey signs you in without a password, and counts as both factors.
me-place-browser = Browser
me-place-device = Device code
me-place-password = Password sent by a program
me-preferences = Language and colours
me-remove = Remove it
me-remove-last = It is your last one. Without it your password alone signs you in, unless your organisation asks for more; your recovery codes go with it.
me-remove-text = It will not sign you in any more.
me-remove-title = Remove
me-rename = Rename
me-save = Save
me-sessions = Where you are signed in
me-sessions-hint = Browsers and devices. What you end stops working at once.
me-theme = Colours
me-theme-auto = As the system has them
me-theme-dark = Dark
me-theme-light = Light
me-title = Your account
me-totp = Authenticator app
me-totp-add = Set up an authenticator app
me-totp-name = Authenticator app
me-totp-remove = Remove
me-totp-replace = Replace
me-used = used { $ago }
me-withdraw = Take back
