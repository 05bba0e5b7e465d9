// Signing in with a password, and what comes before and after.

// A wrong try of somebody whom nobody knows.
const nobody = (it) => ({ upn: `nobody-${it.round.toLowerCase()}@contoso.example`, password: 'not the password' });

export const signin = {
  async 'signing in'(it) {
    await it.open(it.authorize());
    await it.look('sign-in', 'signin-form');
    await it.signIn(nobody(it));
    await it.look('sign-in: wrong', 'signin-error');
    await it.open(it.authorize(it.given.web, { login_hint: 'somebody@contoso.example' }));
    await it.look('sign-in: hinted', 'signin-form');
  },
  async 'trying too often'(it) {
    const who = it.person('paused');
    await Promise.allSettled(Array.from({ length: 10 }, (_, n) => it.program(who, `wrong ${n}`)));
    await it.open(it.authorize());
    await it.signIn(who);
    await it.look('sign-in: paused', 'signin-error');
  },
  async 'choosing among accounts, and signing out'(it) {
    await it.open(it.authorize());
    await it.answered(() => it.signIn(it.person('member')));
    await it.open(it.authorize(it.given.web, { prompt: 'select_account' }));
    await it.look('account picker', 'account-list');
    await it.press('account-other');
    await it.answered(() => it.signIn(it.person('other')));
    // Nobody said which of the two means it.
    await it.open(`/${it.given.tenant}/oauth2/v2.0/logout`);
    await it.look('sign-out: question', 'signout-confirm');
    await it.press('signout-confirm');
    await it.look('signed out', 'signedout-title');
  },
  async 'signing out where applications want to know'(it) {
    await it.open(it.authorize(it.given.told));
    await it.answered(() => it.signIn(it.person('member')));
    await it.context.route(`${it.given.told.logout}*`, (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<!doctype html><html lang="en"><title>Out</title><main><h1>Out</h1></main>' }));
    await it.open(`/${it.given.tenant}/oauth2/v2.0/logout`);
    // It leads on by itself after three seconds; whoever looks longer holds it.
    await it.page.evaluate(() => window.stop());
    await it.look('signed out: applications are told', 'signedout-message', { told: it.given.told.logout });
  },
  async 'choosing a new password'(it) {
    const who = it.person('changing'), chosen = 'several words and a lantern 7';
    const change = async (passwd_old, passwd_new, passwd_again) => {
      await it.fill({ passwd_old, passwd_new, passwd_again });
      await it.press('password-submit');
    };
    await it.open(it.authorize());
    await it.signIn(who);
    await it.look('password change', 'password-new');
    await change(who.password, 'password1234', 'password1234');
    await it.look('password change: too easy', 'password-error');
    await change('not the password', chosen, chosen);
    await it.look('password change: old one wrong', 'password-error');
    await it.answered(() => change(who.password, chosen, chosen));
  },
  async 'an answer by form'(it) {
    // The application takes it and shows nothing, so the page stays.
    await it.context.route(`${it.given.web.redirect}*`, (route) => route.fulfill({ status: 204 }));
    await it.open(it.authorize(it.given.web, { response_mode: 'form_post' }));
    await it.signIn(it.person('member'));
    // A script sends the form before the page is whole, and for chromium it never is; after two seconds a button comes that does it by hand.
    await it.look('answer by form', 'formpost-continue', { until: null });
  },
};
