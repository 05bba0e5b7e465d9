"""Where the programs are. All of them are built or installed by `scripts/`."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

ENTRANCE = TARGET / "debug" / "entrance"
KUBELOGIN = TARGET / "debug" / "kubelogin"
STOCK_KUBELOGIN = ROOT / "target" / "tools" / "kubelogin"
HELM = ROOT / "target" / "tools" / "helm"
CONTROLPLANE = ROOT / "target" / "controlplane" / "controlplane"
KUBECTL = ROOT / "target" / "controlplane" / "kubectl"
CLIENTS = ROOT / "tests" / "clients"
BROWSER = ROOT / "tests" / "browser"
AZ = ROOT / "target" / "venv" / "bin" / "az"

PROGRAMS = {
    ENTRANCE: "scripts/build-programs.sh",
    KUBELOGIN: "scripts/build-programs.sh",
    STOCK_KUBELOGIN: "scripts/setup-stock-kubelogin.sh",
    HELM: "scripts/setup-helm.sh",
    CONTROLPLANE: "scripts/build-controlplane.sh",
    KUBECTL: "scripts/build-controlplane.sh",
    AZ: "scripts/setup-venv.sh",
    CLIENTS / "node_modules": "scripts/setup-clients.sh",
    BROWSER / "node_modules": "scripts/setup-browser.sh",
}
