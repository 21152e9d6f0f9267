// Drives the npm package lnbits 1.1.5. Prints one line of JSON.
const LNBits = require("lnbits").default;

async function main(asked) {
  const params = { adminKey: asked.adminkey, invoiceReadKey: asked.inkey, endpoint: asked.url };
  const { wallet, userManager } = LNBits(params);
  const made = await wallet.createInvoice({ amount: 34, memo: "by npm", out: false });
  const user = await userManager.createUser({ admin_id: asked.usr, user_name: "npm user", wallet_name: "npm wallet" });
  return {
    details: await wallet.walletDetails(),
    made,
    checked: await wallet.checkInvoice({ payment_hash: made.payment_hash }),
    paid: await wallet.payInvoice({ bolt11: asked.bolt11, out: true }),
    after: await wallet.checkInvoice({ payment_hash: asked.payment_hash }),
    refused: await wallet.payInvoice({ bolt11: "lnbc1nonsense", out: true }).catch((error) => ({
      status: error.response.status,
      said: error.response.data,
    })),
    user,
    forbidden: await userManager.createUser({ user_name: "", wallet_name: "" }).catch((message) => message),
    users: await userManager.getUsers(),
    wallets: await userManager.getWallets({ user_id: user.id }),
    extension: await userManager.activeExtension({ userid: user.id, extension: "usermanager", active: true }),
  };
}

main(JSON.parse(process.argv[2])).then(
  (answer) => console.log(JSON.stringify(answer)),
  (error) => {
    console.error(error.response ? JSON.stringify(error.response.data) : error);
    process.exit(1);
  },
);
