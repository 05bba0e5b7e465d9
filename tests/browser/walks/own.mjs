// A person's own page: sessions, factors, password, looks; and the proof that it is still them.
import { withApp } from './factors.mjs';

export const own = {
  async 'at home'(it) {
    const who = it.person('home');
    await it.program(who);
    await it.open('/me');
    await it.signIn(who);
    await it.look('own page', 'me-sessions');
    await it.press('totp-add');
    await it.look('own page: set up a factor', 'enroll-secret');
    // Another browser, which knew the password before there was a second factor.
    const other = await it.another();
    await other.open('/me');
    await other.signIn(who);
    await other.mark('me-sessions').waitFor();

    const codes = await withApp(it, { look: false });
    await it.press('enroll-submit');
    await it.look('own page: with an app', 'totp-remove');
    await it.press('totp-remove');
    await it.look('own page: the app', 'factor-remove');

    await other.open('/me/add');
    await other.look('step-up', 'stepup-title');
    await other.press('mfa-recovery');
    await other.fill({ recovery: codes[0] });
    await other.press('stepup-submit');
    await other.mark('enroll-secret').waitFor();

    await it.open('/me');
    await it.press('session-end-all');
    await it.look('own page: sessions ended', 'me-done');
    await it.press('me-password');
    await it.look('own page: password', 'password-old');
    await it.open('/me');
    await it.page.selectOption('[name=theme]', 'dark');
    await it.press('me-preferences-save');
    await it.mark('me-done').waitFor();
    it.prove('theme: fixed', await it.page.evaluate(() => document.documentElement.dataset.theme === 'dark'));
  },
  async 'a one-time code'(it) {
    const chosen = 'several words and a lantern 7';
    await it.open('/welcome');
    await it.look('one-time code', 'welcome-form');
    await it.fill({ login: `nobody@${it.given.domain}`, code: 'ABCD-EFGH-JKLM-NPQR', passwd_new: chosen, passwd_again: chosen });
    await it.press('welcome-submit');
    await it.look('one-time code: wrong', 'welcome-error');
    const who = it.person('invited');
    await it.fill({ login: who.upn, code: who.code, passwd_new: chosen, passwd_again: chosen });
    await it.press('welcome-submit');
    await it.look('one-time code: used', 'done-title');
  },
};
