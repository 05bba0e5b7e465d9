// Second factors: set up because a policy asks, shown, refused, lost.
import { totp } from '../asking.mjs';

// Types the codes of a new authenticator app and keeps the recovery codes; gives those.
export async function withApp(it, { look = true } = {}) {
  await it.fill({ totp: totp(await it.mark('enroll-secret').innerText()) });
  await it.press('enroll-submit');
  if (look) await it.look('recovery codes', 'recovery-codes');
  return keep(it, { look });
}

export async function keep(it, { look = true } = {}) {
  await it.mark('recovery-codes').waitFor();
  if (look) {
    await it.lax();
    await it.press('enroll-submit');
    await it.look('recovery codes: not kept', 'mfa-error');
  }
  const codes = await it.mark('recovery-codes').locator('li').allInnerTexts();
  await it.mark('recovery-kept').check();
  return codes;
}

export const factors = {
  async 'a policy asks for a second factor'(it) {
    const who = it.person('demanded');
    await it.open(it.authorize());
    await it.signIn(who);
    await it.look('second factor: set up', 'enroll-secret');
    await it.fill({ totp: '000000' });
    await it.press('enroll-submit');
    await it.look('second factor: set up, wrong', 'mfa-error');
    const codes = await withApp(it);
    await it.answered(() => it.press('enroll-submit'));

    await it.forget();
    await it.open(it.authorize());
    await it.signIn(who);
    await it.look('second factor', 'mfa-code');
    await it.fill({ totp: '000000' });
    await it.press('mfa-submit');
    await it.look('second factor: wrong', 'mfa-error');
    await it.press('mfa-recovery');
    await it.look('second factor: recovery code', 'mfa-recovery-code');
    await it.fill({ recovery: 'ABCD-EFGH-JKLM-NPQR' });
    await it.press('mfa-submit');
    await it.look('second factor: recovery code, wrong', 'mfa-error');
    await it.fill({ recovery: codes[0].toLowerCase().replace(/-/g, ' ') });
    await it.answered(() => it.press('mfa-submit'));
  },
  async 'a passkey from the first to the last'(it) {
    if (!it.hasScript) return;
    const who = it.person('passkey'), key = await it.authenticator();
    await it.open('/me');
    await it.signIn(who);
    await it.press('passkey-add');
    await it.mark('enroll-passkey').waitFor();
    await key.believes(false);
    await it.press('enroll-passkey');
    await it.look('second factor: set up, passkey cancelled', 'mfa-error');
    await key.believes(true);
    await it.page.fill('[name=name]', 'Laptop');
    await it.press('enroll-passkey');
    await keep(it, { look: false });
    await it.press('enroll-submit');
    await it.look('own page: with a passkey', 'me-passkey-change');
    it.prove('passkey: made', (await key.credentials()).length === 1);
    await it.press('me-passkey-change');
    await it.look('own page: a passkey', 'passkey-rename');
    await it.fill({ name: ' ' });
    await it.press('passkey-rename');
    await it.look('own page: a passkey, name refused', 'mfa-error');

    // Beside the password.
    await it.forget();
    await key.believes(false);
    await it.open(it.authorize());
    await it.signIn(who);
    await it.look('second factor: passkey', 'mfa-passkey');
    await it.press('mfa-passkey');
    await it.look('second factor: passkey cancelled', 'mfa-error');
    await key.believes(true);
    const second = await it.answered(() => it.press('mfa-passkey'));
    it.prove('passkey: as second factor', second.includes('code='));

    // Instead of it. The page asks for one by itself, without a word where there is none.
    await it.forget();
    await key.believes(false);
    await it.open(it.authorize());
    await it.press('signin-passkey');
    await it.look('sign-in: passkey cancelled', 'signin-error');
    await key.believes(true);
    const alone = await it.answered(() => it.press('signin-passkey'));
    it.prove('passkey: instead of a password', alone.includes('code='));

    // Taken away it opens nothing.
    await it.open('/me');
    await it.press('me-passkey-change');
    await it.press('factor-remove');
    await it.look('own page: a factor was removed', 'me-done');
    await it.forget();
    // This one would answer by itself, again and again, where a person is only offered to.
    await it.page.addInitScript(() => { delete PublicKeyCredential.isConditionalMediationAvailable; });
    await it.open(it.authorize());
    await it.press('signin-passkey');
    await it.look('sign-in: passkey refused', 'signin-error');
  },
};
