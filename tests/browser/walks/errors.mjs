// What went wrong.

export const errors = {
  async 'errors'(it) {
    await it.open('/signin?flow=gone');
    await it.look('error: the sign-in is gone', 'error-code');
    await it.open(it.authorize({ client: '11111111-1111-4111-8111-111111111111', redirect: 'https://nowhere.example' }));
    await it.look('error: the application is unknown', 'error-code');
    await it.press('error-help');
    await it.look('error: explained', 'error-title');
    await it.open('/error?code=<b>');
    await it.look('error: not a number', 'error-title');
    await it.open('/no/such/page');
    await it.look('error: no page here', 'error-details');
    // The proof of another form.
    await it.open('/devicelogin');
    await it.fill({ otc: 'BCDFGHJKL' });
    await it.page.evaluate(() => { document.querySelector('[name=csrf]').value = 'forged'; });
    await it.press('device-submit');
    await it.look('error: forged', 'error-details');
  },
};
