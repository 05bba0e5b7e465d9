# The page about what went wrong.

about-this-error = About this error
correlation-id = Correlation ID
error-broken = Something broke on our side
error-code = Error
error-forgery = The form did not come from this page, or the page is too old. Nothing was changed.
error-generic = Each refused sign-in has a number. Follow the link on its page to read what it means.
error-method = This address does not take that kind of request.
error-none = About errors
error-not-found = There is no page here
error-not-found-text = The address leads nowhere. It may be mistyped or out of date.
error-sign-in = We could not sign you in
error-too-many = Too many requests
request-id = Request ID
time = Time
what-you-can-do = What you can do
fixed-by-administrator = An administrator of your organisation.
fixed-by-application = Whoever writes or configures the program.
fixed-by-device = Nobody: it ends by waiting, or with a new code.
fixed-by-operator = Whoever runs this server.
fixed-by-person = You.
who-can-fix = Who can fix it
