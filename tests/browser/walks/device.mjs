// Letting a device in, or not.

async function type(it, code) {
  await it.open('/devicelogin');
  await it.fill({ otc: code });
  await it.press('device-submit');
}

const ended = (it, result) => it.page.locator(`[data-testid="device-done"][data-result="${result}"]`).waitFor();

export const device = {
  async 'a device'(it) {
    const first = await it.device();
    await it.open(first.verification_uri);
    await it.look('device: code', 'device-form');
    await it.fill({ otc: 'BCDFGHJKL' });
    await it.press('device-submit');
    await it.look('device: wrong code', 'device-error');
    await it.fill({ otc: first.user_code.toLowerCase() });
    await it.press('device-submit');
    await it.look('device: sign-in', 'signin-form');
    await it.signIn(it.person('member'));
    await it.look('device: question', 'device-confirm-title');
    await it.press('device-deny');
    await ended(it, 'denied');
    await it.look('device: stopped', 'device-report');
    await it.press('device-report');
    await it.mark('device-report').waitFor({ state: 'detached' });
    await it.look('device: reported', 'device-done');

    await type(it, (await it.device()).user_code);
    await it.look('device: account picker', 'account-list');
    await it.press('account-continue');
    await it.press('device-approve');
    await ended(it, 'approved');
    await it.look('device: approved', 'device-done');
  },
  // A program that a colleague registered.
  async 'a device with a program of a colleague'(it) {
    await type(it, (await it.device(it.given.colleague)).user_code);
    await it.signIn(it.person('member'));
    await it.look('device: question, high risk', 'device-confirm-check');
    it.prove('device: no is the filled button', await it.page.locator('[data-risk=high] .filled[value=deny]').isVisible());
    // Without the tick the form is not sent, and if it is, it changes nothing.
    await it.press('device-approve');
    await it.lax();
    await it.press('device-approve');
    await it.mark('device-confirm-check').check();
    await it.press('device-approve');
    await ended(it, 'approved');
  },
  async 'guessing codes'(it) {
    for (let n = 0; n < 5; n += 1) {
      await type(it, `BCDFGHJK${'LMNPQ'[n]}`);
      await it.mark('device-error').waitFor();
    }
    await type(it, 'BCDFGHJKR');
    await it.look('device: too many codes', 'device-error');
  },
};
